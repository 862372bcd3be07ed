import type { TrafficEvaluator } from '../../../src/storage/limit.types.js';
import type { SendReservation, SendResult } from '../../../src/storage/send.types.js';
import type { VerificationStore } from '../../../src/storage/verification-store.js';
import { PhoneNumber } from '../../../src/common/phone-number.js';
import type { FakeClock } from '../fake-clock.js';
import { newVerification, NO_IDEMPOTENCY_KEY, sendResponse } from '../new-verification.js';
import type { SimulatedVerification } from './simulated-traffic.js';

const ACCEPTED: SendResult = { provider: 'infobip', pinId: 'any', possiblySentBy: [] };

/** How many messages people and bots requested, and how many of them were blocked. */
export type SimulationResult = Record<
  SimulatedVerification['source'],
  { requested: number; blocked: number }
>;

interface Event {
  readonly at: number;
  readonly run: () => Promise<void>;
}

/** Runs simulated verifications on a store in order of time, and advances the store's clock. */
export class TrafficSimulation {
  readonly result: SimulationResult = {
    person: { requested: 0, blocked: 0 },
    bot: { requested: 0, blocked: 0 },
  };
  private verificationCount = 0;

  constructor(
    private readonly store: VerificationStore,
    private readonly evaluator: TrafficEvaluator | undefined,
    private readonly clock: FakeClock,
  ) {}

  async run(verifications: readonly SimulatedVerification[]): Promise<SimulationResult> {
    const events = verifications.flatMap((verification) => this.createEvents(verification));
    events.sort((one, other) => one.at - other.at);
    for (const { at, run } of events) {
      this.clock.advance(at - this.clock.now());
      await run();
    }
    return this.result;
  }

  private createEvents(verification: SimulatedVerification): Event[] {
    const { at, resendsAfterMs, verifiesAfterMs } = verification;
    const pinId = `verification-${String((this.verificationCount += 1))}`;
    // If an earlier event was blocked, the store rejects the later ones.
    return [
      { at, run: () => this.send(verification, pinId) },
      ...(resendsAfterMs === undefined
        ? []
        : [{ at: at + resendsAfterMs, run: () => this.resend(verification, pinId) }]),
      ...(verifiesAfterMs === undefined
        ? []
        : [{ at: at + verifiesAfterMs, run: () => this.verify(verification, pinId) }]),
    ];
  }

  private async send(verification: SimulatedVerification, pinId: string): Promise<void> {
    const { client } = verification;
    const phoneNumber = PhoneNumber.fromE164(verification.phoneNumber);
    const admission = await this.store.reserveSend(
      { ...newVerification(pinId, phoneNumber, this.clock.now(), verification.country), client },
      NO_IDEMPOTENCY_KEY,
      this.evaluator,
    );
    await this.countAndConfirm(verification, admission);
  }

  private async resend(verification: SimulatedVerification, pinId: string): Promise<void> {
    const now = this.clock.now();
    const request = { pinId, client: verification.client, channel: 'sms', now } as const;
    const admission = await this.store.reserveResend(request, NO_IDEMPOTENCY_KEY, this.evaluator);
    // The send was blocked, or the same number got a new code since.
    if (admission.outcome === 'not_found' || admission.outcome === 'not_resendable') return;
    await this.countAndConfirm(verification, admission);
  }

  private async verify({ client }: SimulatedVerification, pinId: string): Promise<void> {
    const request = { selector: { pinId }, client, reference: undefined, codeLength: 6 };
    const result = await this.store.reserveAttempt({ ...request, now: this.clock.now() });
    if (result.outcome !== 'granted') return;
    await this.store.completeAttempt(result.attempt, 'verified', this.clock.now());
  }

  /** Counts a send or resend, and confirms it if the store has reserved it. */
  private async countAndConfirm(
    { source }: SimulatedVerification,
    admission: { outcome: string; limit?: string; reservation?: SendReservation },
  ): Promise<void> {
    // The cooldown of a number that two verifications share by chance is not part of the simulation.
    const isBlocked = admission.outcome === 'suspended' || admission.limit === 'shared';
    if (admission.outcome === 'limited' && !isBlocked) return;
    const { [source]: counts } = this.result;
    counts.requested += 1;
    if (isBlocked) counts.blocked += 1;
    if (!admission.reservation) return;
    const { reservation } = admission;
    await this.store.confirmSend(reservation, ACCEPTED, sendResponse(reservation.pinId));
  }
}
