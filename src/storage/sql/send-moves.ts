import { Injectable } from '@nestjs/common';
import type { Judge } from '../traffic.js';
import type {
  Admission,
  KeyedRequest,
  NewVerification,
  NotFound,
  ResendAdmission,
  ResendOf,
  SendTicket,
  TakenText,
} from '../verification-store.js';
import { Database } from './database.js';
import type { Transaction } from './engine.js';
import { IdempotencyKeys } from './idempotency-keys.js';
import type { VerificationRow } from './schema.js';
import { SendBudgets } from './send-budgets.js';
import { prepareSendQueries } from './send-queries.js';
import { VerificationRows } from './verification-rows.js';
import type { Executor } from './statement.js';

const NOT_FOUND: NotFound = { outcome: 'not_found' };

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

  async admit(
    verification: NewVerification,
    keyed?: KeyedRequest,
    judge?: Judge,
  ): Promise<Admission> {
    const { phoneNumber, createdAt: now } = verification;
    return this.database.transaction<Admission>(async (transaction, abort) => {
      const row = await this.rows.newRow(transaction, verification);
      const asking = { row, phoneNumber, now, judge };
      const [repeated, counted] = await Promise.all([
        keyed && this.keys.claim(transaction, verification, keyed, now, false),
        this.budgets.take(transaction, asking),
        this.queries.insert(transaction, row),
      ]);
      if (repeated) return abort(repeated);
      if (counted.outcome !== 'counted') return abort(counted);
      await this.finish(transaction, row);
      return {
        outcome: 'admitted',
        ticket: {
          country: row.country,
          resends: undefined,
          entries: counted.entries,
          keyed,
          ...verification,
        },
        excess: counted.excess,
      };
    });
  }

  async admitResend(
    { pinId, client, channel, now }: ResendOf,
    keyed?: KeyedRequest,
    judge?: Judge,
  ): Promise<ResendAdmission> {
    return this.database.transaction<ResendAdmission>(async (transaction, abort) => {
      const [repeated, [found]] = await Promise.all([
        keyed && this.keys.claim(transaction, { client, pinId }, keyed, now, false),
        this.queries.takeResend(transaction, { pinId, client, now }),
      ]);
      if (repeated) return abort(repeated);
      if (!found) return abort(await this.refusal(transaction, pinId, client));
      const { phoneNumber, providerPinId } = this.rows.open(found);
      const number_hash = await this.rows.hashOf(transaction, phoneNumber, client);
      const row = Object.assign(found, { number_hash });
      const counted = await this.budgets.take(transaction, { row, phoneNumber, now, judge });
      if (counted.outcome !== 'counted') return abort(counted);
      await this.finish(transaction, row);
      return {
        outcome: 'admitted',
        ticket: {
          pinId,
          client,
          phoneNumber,
          country: found.country,
          expiresAt: found.expires_at,
          channel,
          resends: { provider: found.provider, pinId: providerPinId },
          entries: counted.entries,
          keyed,
        },
        excess: counted.excess,
      };
    });
  }

  async confirm(ticket: SendTicket, taken: TakenText, answer: unknown): Promise<boolean> {
    const { pinId, phoneNumber, keyed, resends } = ticket;
    const sealed = this.rows.seal(pinId, phoneNumber, taken.pinId);
    return this.database.transaction(async (transaction) => {
      const confirming = Promise.all([
        this.confirmIn(transaction, ticket, { provider: taken.provider, sealed }),
        this.noteMaybeTexted(transaction, pinId, taken.maybeTexted),
        keyed &&
          (resends === undefined
            ? this.keys.answerTaken(transaction, ticket, keyed, answer, sealed)
            : this.keys.answer(transaction, ticket, keyed, answer)),
      ]);
      transaction.commitBehind();
      const [confirmed] = await confirming;
      return confirmed;
    });
  }

  async abandon(ticket: SendTicket, maybeTexted: readonly string[]): Promise<void> {
    const { pinId, client, phoneNumber, entries, keyed } = ticket;
    await this.database.transaction(async (executor) => {
      if (maybeTexted.length > 0) {
        await this.noteMaybeTexted(executor, pinId, maybeTexted);
        if (ticket.resends === undefined) await this.queries.fail(executor, { pinId });
        if (keyed) await this.keys.markAmbiguous(executor, ticket, keyed);
        return;
      }
      const [row] = await this.queries.returnText(executor, { pinId });
      const numberHash = await this.rows.hashOf(executor, phoneNumber, client);
      if (entries) await this.budgets.giveBack(executor, numberHash, row, entries);
      if (keyed) await this.keys.release(executor, ticket, keyed);
    });
  }

  private async finish(transaction: Transaction, row: VerificationRow): Promise<void> {
    const finishing = this.budgets.finish(transaction, row);
    transaction.commitBehind();
    await finishing;
  }

  private async confirmIn(
    executor: Executor,
    { pinId, client, channel, resends }: SendTicket,
    { provider, sealed }: Pick<VerificationRow, 'provider' | 'sealed'>,
  ): Promise<boolean> {
    if (resends !== undefined) {
      await this.queries.confirmResend(executor, { pinId, provider, sealed, channel });
      return true;
    }
    const [, confirmed] = await Promise.all([
      this.queries.supersede(executor, { pinId, client }),
      this.queries.confirm(executor, { pinId, provider, sealed }),
    ]);
    return confirmed.length > 0;
  }

  private async noteMaybeTexted(
    executor: Executor,
    pinId: string,
    providers: readonly string[],
  ): Promise<void> {
    if (providers.length === 0) return;
    await this.queries.noteMaybeTexted(executor, { pinId, providers: providers.join(',') });
  }

  /** Why a code is not sent again. */
  private async refusal(executor: Executor, pinId: string, client: string) {
    const row = await this.rows.taken(executor, pinId, client);
    return row ? ({ outcome: 'not_resendable' } as const) : NOT_FOUND;
  }
}
