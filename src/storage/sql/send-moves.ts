import { Injectable } from '@nestjs/common';
import type { TrafficEvaluator } from '../traffic.types.js';
import type {
  SendAdmission,
  SendAdmitted,
  IdempotentRequest,
  LimitExceeded,
  NewVerification,
  VerificationNotFound,
  ResendAdmission,
  ResendRequest,
  SendReservation,
  DestinationSuspended,
  SendResult,
} from '../verification-store.js';
import { Database } from './database.js';
import { IdempotencyKeys, NO_KEY } from './idempotency-keys.js';
import type { VerificationRow } from './schema.js';
import { SendBudgets, type Taken, type Text } from './send-budgets.js';
import { prepareSendQueries } from './send-queries.js';
import type { TrafficOfText } from './traffic-counts.js';
import { VerificationRows } from './verification-rows.js';
import type { Executor, Packet } from './statement.js';

const NOT_FOUND: VerificationNotFound = { outcome: 'not_found' };

/** A text that is counted, and still to be judged. */
interface Counted {
  readonly reservation: SendReservation;
  readonly text: Text;
  readonly taken: Taken;
  readonly traffic: TrafficOfText | undefined;
}

/** The moves of a text: admitted before the provider is asked, confirmed or abandoned after. */
@Injectable()
export class SendMoves {
  private readonly queries;

  constructor(
    private readonly database: Database,
    private readonly rows: VerificationRows,
    private readonly budgets: SendBudgets,
    private readonly keys: IdempotencyKeys,
  ) {
    this.queries = prepareSendQueries(database);
  }

  async reserveSend(
    verification: NewVerification,
    keyed?: IdempotentRequest,
    judge?: TrafficEvaluator,
  ): Promise<SendAdmission> {
    const { client, phoneNumber, channel, createdAt: now } = verification;
    await this.rows.renewNumber(this.database, phoneNumber, client);
    if (keyed) await this.keys.renew(this.database, client, keyed);
    const key = keyed && this.keys.newRun(keyed);
    const text = this.budgets.newText(this.rows.newRow(verification), key ?? NO_KEY, now);
    const written = await this.database.run((packet) => this.write(packet, text, keyed));
    if (keyed && !written.claimed()) {
      return this.keys.repeated(this.database, client, text.key, keyed, now);
    }
    const taken = written.taken();
    if (!taken || !written.inserted.row) return this.budgets.refusal(this.database, text);
    const reservation = reservationOf(text, { phoneNumber, channel, key, pinToResend: undefined });
    return this.weigh({ reservation, text, taken, traffic: written.traffic?.() }, judge);
  }

  async reserveResend(
    { pinId, client, channel, now }: ResendRequest,
    keyed?: IdempotentRequest,
    judge?: TrafficEvaluator,
  ): Promise<ResendAdmission> {
    if (keyed) await this.keys.renew(this.database, client, keyed);
    const counted = await this.database.transaction<
      Counted | Exclude<ResendAdmission, SendAdmitted>
    >(async (transaction, abort) => {
      const key = keyed && this.keys.newRun(keyed);
      const { claimed, resend } = await transaction.run((packet) => ({
        claimed: key && this.keys.claim(packet, { client, pinId }, key, keyed, now, false),
        resend: this.queries.takeResend(packet, { pinId, client, now }),
      }));
      if (key && !claimed?.()) {
        return abort(await this.keys.repeated(transaction, client, key, keyed, now));
      }
      const found = resend.row;
      if (!found) return abort(await this.refusal(transaction, pinId, client));
      const { phoneNumber, providerPinId } = this.rows.open(found);
      await this.rows.renewNumber(transaction, phoneNumber, client);
      const row = Object.assign(found, { number_hash: this.rows.hashOf(phoneNumber) });
      const text = this.budgets.newText(row, key ?? NO_KEY, now);
      const counted = await transaction.run((packet) => ({
        taken: this.budgets.take(packet, text),
        traffic: this.budgets.count(packet, text),
      }));
      const taken = counted.taken();
      if (!taken) return abort(await this.budgets.refusal(transaction, text));
      const resends = { provider: found.provider, pinId: providerPinId };
      const reservation = reservationOf(text, { phoneNumber, channel, key, pinToResend: resends });
      return { reservation, text, taken, traffic: counted.traffic?.() };
    });
    return 'outcome' in counted ? counted : this.weigh(counted, judge);
  }

  async confirmSend(
    reservation: SendReservation,
    taken: SendResult,
    answer: unknown,
  ): Promise<boolean> {
    const { pinId, phoneNumber, key, pinToResend } = reservation;
    const sealed = this.rows.seal(pinId, phoneNumber, taken.pinId);
    const confirmed = await this.database.run((packet) => {
      const confirming = this.confirmIn(packet, reservation, { provider: taken.provider, sealed });
      this.noteMaybeTexted(packet, pinId, taken.possiblySentBy);
      if (key && pinToResend === undefined) {
        this.keys.answerTaken(packet, reservation, key, answer, sealed);
      } else if (key) {
        this.keys.answer(packet, reservation, key, answer);
      }
      return confirming;
    });
    return confirmed();
  }

  async releaseSend(
    reservation: SendReservation,
    possiblySentBy: readonly string[],
  ): Promise<void> {
    const { pinId, client, phoneNumber, key, pinToResend } = reservation;
    if (possiblySentBy.length > 0) {
      await this.database.run((packet) => {
        this.noteMaybeTexted(packet, pinId, possiblySentBy);
        if (pinToResend === undefined) this.queries.fail(packet, { pinId });
        if (key) this.keys.markAmbiguous(packet, reservation, key);
      });
      return;
    }
    await this.database.transaction(async (transaction) => {
      const { discard, returnText } = this.queries;
      const returning = pinToResend === undefined ? discard : returnText;
      const { row } = await transaction.run((packet) => returning(packet, { pinId }));
      await this.rows.renewNumber(transaction, phoneNumber, client);
      await transaction.run((packet) => {
        this.budgets.giveBack(packet, reservation, this.rows.hashOf(phoneNumber), row);
        if (key) this.keys.release(packet, reservation, key);
      });
    });
  }

  /**
   * Counts the first text and writes its verification, or does neither. None of the statements waits
   * for another's answer: what must not come about without another asks for it.
   */
  private write(packet: Packet, text: Text, keyed: IdempotentRequest | undefined) {
    const { row, key, entries, now } = text;
    const owner = { client: row.client, pinId: row.pin_id };
    const asked = { entry: entries?.number ?? '', keyHash: key.keyHash, runId: key.runId };
    const claimed = keyed ? this.keys.claim(packet, owner, key, keyed, now, false) : () => false;
    const taken = this.budgets.take(packet, text);
    const inserted = this.queries.insert(packet, Object.assign(asked, row));
    const traffic = this.budgets.count(packet, text);
    if (keyed) this.keys.releaseUnwritten(packet, owner, key);
    return { claimed, taken, inserted, traffic };
  }

  /** Judges a text that is counted, and gives it back if it is refused. */
  private async weigh(
    { reservation, text, taken, traffic }: Counted,
    judge: TrafficEvaluator | undefined,
  ): Promise<SendAdmitted | LimitExceeded | DestinationSuspended> {
    const excess = traffic && this.budgets.weigh(text, taken, traffic, judge);
    if (excess !== 'client_sends' && !excess?.enforced) {
      return { outcome: 'admitted', reservation: reservation, violation: excess };
    }
    await this.releaseSend(reservation, []);
    return this.budgets.suspension(this.database, text, reservation.phoneNumber, excess);
  }

  private confirmIn(
    packet: Packet,
    { pinId, client, channel, pinToResend }: SendReservation,
    { provider, sealed }: Pick<VerificationRow, 'provider' | 'sealed'>,
  ): () => boolean {
    if (pinToResend !== undefined) {
      this.queries.confirmResend(packet, { pinId, provider, sealed, channel });
      return () => true;
    }
    this.queries.supersede(packet, { pinId, client });
    const confirmed = this.queries.confirm(packet, { pinId, provider, sealed });
    return () => confirmed.row !== undefined;
  }

  private noteMaybeTexted(packet: Packet, pinId: string, providers: readonly string[]): void {
    if (providers.length === 0) return;
    this.queries.noteMaybeTexted(packet, { pinId, providers: providers.join(',') });
  }

  /** Why a code is not sent again. */
  private async refusal(executor: Executor, pinId: string, client: string) {
    const taken = await executor.run((packet) => this.rows.taken(packet, pinId, client));
    return taken() ? ({ outcome: 'not_resendable' } as const) : NOT_FOUND;
  }
}

const reservationOf = (
  { row, entries }: Text,
  delivery: Pick<SendReservation, 'phoneNumber' | 'channel' | 'key' | 'pinToResend'>,
): SendReservation => ({
  pinId: row.pin_id,
  client: row.client,
  country: row.country,
  expiresAt: row.expires_at,
  entries,
  endUserHash: row.end_user_hash,
  prefixHash: row.prefix_hash,
  createdAt: row.created_at,
  ...delivery,
});
