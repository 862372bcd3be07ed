import { Injectable } from '@nestjs/common';
import type {
  Admitted,
  KeyedRequest,
  Limited,
  NewVerification,
  NotFound,
  Repeated,
  ResendAdmission,
  ResendOf,
  SendTicket,
} from '../verification-store.js';
import { Database, type Executor } from './database.js';
import { IdempotencyKeys } from './idempotency-keys.js';
import { NumberLimits } from './number-limits.js';
import { isOpen } from './standing.js';
import { VerificationRows } from './verification-rows.js';

const NOT_FOUND: NotFound = { outcome: 'not_found' };

/** The moves of a text: admitted before the provider is asked, confirmed or abandoned after. */
@Injectable()
export class SendMoves {
  constructor(
    private readonly database: Database,
    private readonly rows: VerificationRows,
    private readonly limits: NumberLimits,
    private readonly keys: IdempotencyKeys,
  ) {}

  async admit(
    verification: NewVerification,
    keyed?: KeyedRequest,
  ): Promise<Admitted | Limited | Repeated> {
    const { pinId, client, phoneNumber, channel, reference, createdAt, expiresAt } = verification;
    return this.database.transaction<Admitted | Limited | Repeated>(async (executor, abort) => {
      const repeated =
        keyed && (await this.keys.claim(executor, verification, keyed, createdAt, false));
      if (repeated) return repeated;
      const numberHash = await this.rows.hashOf(executor, phoneNumber, client);
      const taken = await this.limits.takeSend(executor, numberHash, createdAt);
      if (taken.outcome === 'limited') return abort(taken);
      await this.rows.queries.insert(executor, {
        pin_id: pinId,
        client,
        number_hash: numberHash,
        status: 'sending',
        channel,
        reference_hash: this.rows.referenceHashes(reference)[0],
        attempts: 0,
        max_attempts: verification.maxAttempts,
        sealed: '',
        created_at: createdAt,
        expires_at: expiresAt,
        verified_at: null,
      });
      return {
        outcome: 'admitted',
        ticket: { ...verification, resends: undefined, entry: taken.entry, keyed },
      };
    });
  }

  async admitResend(
    { pinId, client, channel, now }: ResendOf,
    keyed?: KeyedRequest,
  ): Promise<ResendAdmission> {
    return this.database.transaction<ResendAdmission>(async (executor, abort) => {
      const repeated =
        keyed && (await this.keys.claim(executor, { client, pinId }, keyed, now, false));
      if (repeated) return repeated;
      const row = await this.rows.taken(executor, pinId, client);
      if (!row) return abort(NOT_FOUND);
      if (!isOpen(row, now)) return abort({ outcome: 'not_resendable' });
      const { phoneNumber, providerPinId } = this.rows.open(row);
      const numberHash = await this.rows.hashOf(executor, phoneNumber, client);
      const taken = await this.limits.takeSend(executor, numberHash, now);
      if (taken.outcome === 'limited') return abort(taken);
      return {
        outcome: 'admitted',
        ticket: {
          pinId,
          client,
          phoneNumber,
          expiresAt: row.expires_at,
          channel,
          resends: providerPinId,
          entry: taken.entry,
          keyed,
        },
      };
    });
  }

  async confirm(ticket: SendTicket, providerPinId: string, answer: unknown): Promise<boolean> {
    const { pinId, phoneNumber, keyed } = ticket;
    const sealed = this.rows.seal(pinId, phoneNumber, providerPinId);
    return this.database.transaction(async (executor) => {
      const confirmed = await this.confirmIn(executor, ticket, sealed);
      if (keyed && confirmed) await this.keys.answer(executor, ticket, keyed, answer);
      if (keyed && !confirmed) await this.keys.markAmbiguous(executor, ticket, keyed);
      return confirmed;
    });
  }

  async abandon(ticket: SendTicket, textMayHaveLeft: boolean): Promise<void> {
    const { pinId, client, phoneNumber, entry, keyed } = ticket;
    await this.database.transaction(async (executor) => {
      if (ticket.resends === undefined) await this.rows.queries.fail(executor, { pinId });
      if (textMayHaveLeft) {
        if (keyed) await this.keys.markAmbiguous(executor, ticket, keyed);
        return;
      }
      const numberHash = await this.rows.hashOf(executor, phoneNumber, client);
      await this.limits.returnSend(executor, numberHash, entry);
      if (keyed) await this.keys.release(executor, ticket, keyed);
    });
  }

  private async confirmIn(
    executor: Executor,
    { pinId, client, channel, resends }: SendTicket,
    sealed: string,
  ): Promise<boolean> {
    if (resends !== undefined) {
      await this.rows.queries.confirmResend(executor, { pinId, sealed, channel });
      return true;
    }
    const [row] = await this.rows.queries.read(executor, { pinId, client });
    if (row?.status !== 'sending') return false;
    const numberOfClient = { client, numberHash: row.number_hash };
    await this.rows.queries.supersede(executor, { ...numberOfClient, createdAt: row.created_at });
    const confirmed = await this.rows.queries.confirm(executor, {
      pinId,
      ...numberOfClient,
      sealed,
    });
    return confirmed.length > 0;
  }
}
