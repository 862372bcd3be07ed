import type { TrafficEvaluator } from '../../../src/storage/limit.types.js';
import type { SendReservation } from '../../../src/storage/send.types.js';
import type { VerificationStore } from '../../../src/storage/verification-store.js';
import { minutes } from '../../../src/common/durations.js';
import { PhoneNumber } from '../../../src/common/phone-number.js';
import type { FakeClock } from '../fake-clock.js';
import type { SimulatedVerification } from './simulated-traffic.js';

/** What became of the texts that people and bots asked for. */
export type SimulationResult = Record<
  SimulatedVerification['source'],
  { requested: number; blocked: number }
>;

interface Event {
  readonly at: number;
  readonly happens: () => Promise<void>;
}

/** Lets visitors live through their visits, one event after the other, by the clock of the store. */
export class TrafficSimulation {
  readonly outcome: SimulationResult = {
    person: { requested: 0, blocked: 0 },
    bot: { requested: 0, blocked: 0 },
  };
  private visits = 0;

  constructor(
    private readonly store: VerificationStore,
    private readonly judge: TrafficEvaluator | undefined,
    private readonly clock: FakeClock,
  ) {}

  async run(visits: readonly SimulatedVerification[]): Promise<SimulationResult> {
    const events = visits.flatMap((visit) => this.eventsOf(visit));
    events.sort((one, other) => one.at - other.at);
    for (const { at, happens } of events) {
      this.clock.advance(at - this.clock.now());
      await happens();
    }
    return this.outcome;
  }

  private eventsOf(visit: SimulatedVerification): Event[] {
    const { at, resendsAfterMs, verifiesAfterMs } = visit;
    const pinId = `visit-${String((this.visits += 1))}`;
    // Each sees to it that an earlier one succeeded: the store refuses what does not exist.
    return [
      { at, happens: () => this.send(visit, pinId) },
      ...(resendsAfterMs === undefined
        ? []
        : [{ at: at + resendsAfterMs, happens: () => this.resend(visit, pinId) }]),
      ...(verifiesAfterMs === undefined
        ? []
        : [{ at: at + verifiesAfterMs, happens: () => this.type(pinId) }]),
    ];
  }

  private async send(visit: SimulatedVerification, pinId: string): Promise<void> {
    const now = this.clock.now();
    const phoneNumber = PhoneNumber.fromE164(visit.phoneNumber);
    const admission = await this.store.reserveSend(
      {
        pinId,
        client: 'shop',
        phoneNumber,
        destination: { country: visit.country, prefix: phoneNumber.prefix },
        endUserAddress: undefined,
        limited: true,
        channel: 'sms',
        reference: undefined,
        createdAt: now,
        expiresAt: now + minutes(5),
        maxAttempts: 5,
      },
      undefined,
      this.judge,
    );
    await this.note(visit, admission);
  }

  private async resend(visit: SimulatedVerification, pinId: string): Promise<void> {
    const now = this.clock.now();
    const again = { pinId, client: 'shop', channel: 'sms', now } as const;
    const admission = await this.store.reserveResend(again, undefined, this.judge);
    // The first text was refused, or the person sent another code since to the same number.
    if (admission.outcome === 'not_found' || admission.outcome === 'not_resendable') return;
    await this.note(visit, admission);
  }

  private async type(pinId: string): Promise<void> {
    const asked = { selector: { pinId }, client: 'shop', reference: undefined };
    const leave = await this.store.reserveAttempt({ ...asked, now: this.clock.now() });
    if (leave.outcome !== 'granted') return;
    await this.store.completeAttempt(leave.attempt, 'verified', this.clock.now());
  }

  private async note(
    { source }: SimulatedVerification,
    admission: { outcome: string; reservation?: SendReservation },
  ): Promise<void> {
    // Two visitors may by chance have one number: its cooldown is not what is looked at.
    if (admission.outcome === 'limited') return;
    const { [source]: counts } = this.outcome;
    counts.requested += 1;
    if (admission.outcome === 'suspended') counts.blocked += 1;
    if (!admission.reservation) return;
    await this.store.confirmSend(
      admission.reservation,
      { provider: 'infobip', pinId: 'any', possiblySentBy: [] },
      {},
    );
  }
}
