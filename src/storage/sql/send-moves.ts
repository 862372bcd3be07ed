import { Injectable } from '@nestjs/common';
import type { Judge } from '../traffic.js';
import type {
  Admission,
  Admitted,
  KeyedRequest,
  Limited,
  NewVerification,
  NotFound,
  ResendAdmission,
  ResendOf,
  SendTicket,
  Suspended,
  TakenText,
} from '../verification-store.js';
import { Database } from './database.js';
import type { Transaction } from './engine.js';
import { IdempotencyKeys, NO_KEY } from './idempotency-keys.js';
import type { VerificationRow } from './schema.js';
import { SendBudgets, type Taken, type Text, type TrafficOfText } from './send-budgets.js';
import { prepareSendQueries } from './send-queries.js';
import { VerificationRows } from './verification-rows.js';
import type { Executor } from './statement.js';

const NOT_FOUND: NotFound = { outcome: 'not_found' };

/** A text that is counted, and still to be judged. */
interface Counted {
  readonly ticket: SendTicket;
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

  async admit(
    verification: NewVerification,
    keyed?: KeyedRequest,
    judge?: Judge,
  ): Promise<Admission> {
    const { client, createdAt: now } = verification;
    const { text, claimed, taken, written, traffic } = await this.database.transaction(
      (transaction) => this.write(transaction, verification, keyed),
    );
    if (keyed && !claimed) {
      return this.database.transaction((transaction) =>
        this.keys.repeated(transaction, client, text.key, keyed, now),
      );
    }
    if (!taken || !written) {
      return this.database.transaction((transaction) => this.budgets.refusal(transaction, text));
    }
    const { entries, row } = text;
    const key = keyed && text.key;
    const ticket = { country: row.country, resends: undefined, entries, key, ...verification };
    return this.weigh({ ticket, text, taken, traffic }, judge);
  }

  async admitResend(
    { pinId, client, channel, now }: ResendOf,
    keyed?: KeyedRequest,
    judge?: Judge,
  ): Promise<ResendAdmission> {
    const counted = await this.database.transaction<Counted | Exclude<ResendAdmission, Admitted>>(
      async (transaction, abort) => {
        const key = keyed ? await this.keys.newRun(transaction, client, keyed) : NO_KEY;
        const [claimed, [found]] = await Promise.all([
          keyed && this.keys.claim(transaction, { client, pinId }, key, keyed, now, false),
          this.queries.takeResend(transaction, { pinId, client, now }),
        ]);
        if (keyed && !claimed) {
          return abort(await this.keys.repeated(transaction, client, key, keyed, now));
        }
        if (!found) return abort(await this.refusal(transaction, pinId, client));
        const { phoneNumber, providerPinId } = this.rows.open(found);
        const number_hash = await this.rows.hashOf(transaction, phoneNumber, client);
        const text = this.budgets.newText(Object.assign(found, { number_hash }), key, now);
        const [taken, traffic] = await Promise.all([
          this.budgets.take(transaction, text),
          this.budgets.count(transaction, text),
        ]);
        if (!taken) return abort(await this.budgets.refusal(transaction, text));
        const ticket = {
          pinId,
          client,
          phoneNumber,
          country: found.country,
          expiresAt: found.expires_at,
          channel,
          resends: { provider: found.provider, pinId: providerPinId },
          entries: text.entries,
          key: keyed && key,
        };
        return { ticket, text, taken, traffic };
      },
    );
    return 'outcome' in counted ? counted : this.weigh(counted, judge);
  }

  async confirm(ticket: SendTicket, taken: TakenText, answer: unknown): Promise<boolean> {
    const { pinId, phoneNumber, key, resends } = ticket;
    const sealed = this.rows.seal(pinId, phoneNumber, taken.pinId);
    return this.database.transaction(async (transaction) => {
      const confirming = Promise.all([
        this.confirmIn(transaction, ticket, { provider: taken.provider, sealed }),
        this.noteMaybeTexted(transaction, pinId, taken.maybeTexted),
        key &&
          (resends === undefined
            ? this.keys.answerTaken(transaction, ticket, key, answer, sealed)
            : this.keys.answer(transaction, ticket, key, answer)),
      ]);
      transaction.commitBehind();
      const [confirmed] = await confirming;
      return confirmed;
    });
  }

  async abandon(ticket: SendTicket, maybeTexted: readonly string[]): Promise<void> {
    const { pinId, client, phoneNumber, entries, key, resends } = ticket;
    await this.database.transaction(async (executor) => {
      if (maybeTexted.length > 0) {
        await this.noteMaybeTexted(executor, pinId, maybeTexted);
        if (resends === undefined) await this.queries.fail(executor, { pinId });
        if (key) await this.keys.markAmbiguous(executor, ticket, key);
        return;
      }
      const { discard, returnText } = this.queries;
      const [row] = await (resends === undefined ? discard : returnText)(executor, { pinId });
      const numberHash = await this.rows.hashOf(executor, phoneNumber, client);
      if (entries) await this.budgets.giveBack(executor, numberHash, row, entries);
      if (key) await this.keys.release(executor, ticket, key);
    });
  }

  /**
   * Counts the first text and writes its verification, or does neither. None of the statements waits
   * for another's answer: what must not come about without another asks for it.
   */
  private async write(
    transaction: Transaction,
    verification: NewVerification,
    keyed: KeyedRequest | undefined,
  ) {
    const { client, createdAt: now } = verification;
    const key = keyed ? await this.keys.newRun(transaction, client, keyed) : NO_KEY;
    const row = await this.rows.newRow(transaction, verification);
    const text = this.budgets.newText(row, key, now);
    const asked = { entry: text.entries?.number ?? '', keyHash: key.keyHash, run: key.run };
    const writing = Promise.all([
      keyed && this.keys.claim(transaction, verification, key, keyed, now, false),
      this.budgets.take(transaction, text),
      this.queries.insert(transaction, Object.assign(asked, row)),
      this.budgets.count(transaction, text),
      keyed && this.keys.releaseUnwritten(transaction, verification, key),
    ]);
    transaction.commitBehind();
    const [claimed, taken, [written], traffic] = await writing;
    return { text, claimed, taken, written, traffic };
  }

  /** Judges a text that is counted, and gives it back if it is refused. */
  private async weigh(
    { ticket, text, taken, traffic }: Counted,
    judge: Judge | undefined,
  ): Promise<Admitted | Limited | Suspended> {
    const excess = traffic && this.budgets.weigh(text, taken, traffic, judge);
    if (excess !== 'client_sends' && !excess?.enforced) {
      return { outcome: 'admitted', ticket, excess };
    }
    await this.abandon(ticket, []);
    return this.database.transaction((transaction) =>
      this.budgets.suspension(transaction, text, ticket.phoneNumber, excess),
    );
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
