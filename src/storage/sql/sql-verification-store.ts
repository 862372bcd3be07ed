import { Injectable } from '@nestjs/common';
import type { Channel } from '../../common/channel.js';
import { PhoneNumber } from '../../common/phone-number.js';
import type { Verdict } from '../../common/verdict.js';
import { Vault } from '../vault.js';
import {
  VerificationStore,
  type Admitted,
  type Attempt,
  type Closed,
  type Granted,
  type KeyedRequest,
  type Limited,
  type NewVerification,
  type NotFound,
  type Repeated,
  type SendTicket,
  type Settlement,
  type Verification,
  type Which,
} from '../verification-store.js';
import { Database, type Executor } from './database.js';
import { IdempotencyKeys } from './idempotency-keys.js';
import { NumberLimits } from './number-limits.js';
import type { VerificationRow } from './schema.js';
import { attemptsRemaining, closureOf, isOpen, statusOf } from './standing.js';
import { prepareQueries, type VerificationQueries } from './verification-queries.js';

/** What only the provider has to hear, sealed in the row. */
interface Secrets {
  readonly to: string;
  readonly providerPinId: string;
}

const NOT_FOUND: NotFound = { outcome: 'not_found' };

/** The moves, on either engine: each is one transaction of prepared conditional statements. */
@Injectable()
export class SqlVerificationStore extends VerificationStore {
  private readonly queries: VerificationQueries;

  constructor(
    private readonly database: Database,
    private readonly vault: Vault,
    private readonly limits: NumberLimits,
    private readonly keys: IdempotencyKeys,
  ) {
    super();
    this.queries = prepareQueries(database);
  }

  override async admit(
    verification: NewVerification,
    keyed?: KeyedRequest,
  ): Promise<Admitted | Limited | Repeated> {
    const { pinId, client, phoneNumber, channel, reference, createdAt, expiresAt } = verification;
    return this.database.transaction<Admitted | Limited | Repeated>(async (executor, abort) => {
      const repeated =
        keyed && (await this.keys.claim(executor, verification, keyed, createdAt, false));
      if (repeated) return repeated;
      const numberHash = await this.hashOf(executor, phoneNumber, client);
      const taken = await this.limits.takeSend(executor, numberHash, createdAt);
      if (taken.outcome === 'limited') return abort(taken);
      await this.queries.insert(executor, {
        pin_id: pinId,
        client,
        number_hash: numberHash,
        status: 'sending',
        channel,
        reference_hash: reference === undefined ? '' : this.vault.hash('reference', reference),
        attempts: 0,
        max_attempts: verification.maxAttempts,
        sealed: '',
        created_at: createdAt,
        expires_at: expiresAt,
        verified_at: null,
      });
      const { entry } = taken;
      return {
        outcome: 'admitted',
        ticket: {
          pinId,
          client,
          phoneNumber,
          expiresAt,
          channel,
          resends: undefined,
          entry,
          keyed,
        },
      };
    });
  }

  override async admitResend(
    {
      pinId,
      client,
      channel,
      now,
    }: { pinId: string; client: string; channel: Channel; now: number },
    keyed?: KeyedRequest,
  ): Promise<Admitted | Limited | Repeated | NotFound | { outcome: 'not_resendable' }> {
    return this.database.transaction<
      Admitted | Limited | Repeated | NotFound | { outcome: 'not_resendable' }
    >(async (executor, abort) => {
      const repeated =
        keyed && (await this.keys.claim(executor, { client, pinId }, keyed, now, false));
      if (repeated) return repeated;
      const row = await this.taken(executor, pinId, client);
      if (!row) return abort(NOT_FOUND);
      if (!isOpen(row, now)) return abort({ outcome: 'not_resendable' });
      const { phoneNumber, providerPinId } = this.open(row);
      const numberHash = await this.hashOf(executor, phoneNumber, client);
      const taken = await this.limits.takeSend(executor, numberHash, now);
      if (taken.outcome === 'limited') return abort(taken);
      const { expires_at: expiresAt } = row;
      const { entry } = taken;
      return {
        outcome: 'admitted',
        ticket: {
          pinId,
          client,
          phoneNumber,
          expiresAt,
          channel,
          resends: providerPinId,
          entry,
          keyed,
        },
      };
    });
  }

  override async confirm(
    ticket: SendTicket,
    providerPinId: string,
    answer: unknown,
  ): Promise<boolean> {
    const { pinId, phoneNumber, keyed } = ticket;
    const secrets: Secrets = { to: phoneNumber.e164, providerPinId };
    const sealed = this.vault.seal(JSON.stringify(secrets), pinId);
    return this.database.transaction(async (executor) => {
      const confirmed = await this.confirmIn(executor, ticket, sealed);
      if (keyed && confirmed) await this.keys.answer(executor, ticket, keyed, answer);
      if (keyed && !confirmed) await this.keys.markAmbiguous(executor, ticket, keyed);
      return confirmed;
    });
  }

  override async abandon(ticket: SendTicket, textMayHaveLeft: boolean): Promise<void> {
    const { pinId, client, phoneNumber, entry, keyed } = ticket;
    await this.database.transaction(async (executor) => {
      if (ticket.resends === undefined) await this.queries.fail(executor, { pinId });
      if (textMayHaveLeft) {
        if (keyed) await this.keys.markAmbiguous(executor, ticket, keyed);
        return;
      }
      const numberHash = await this.hashOf(executor, phoneNumber, client);
      await this.limits.returnSend(executor, numberHash, entry);
      if (keyed) await this.keys.release(executor, ticket, keyed);
    });
  }

  override async takeAttempt(
    asked: { which: Which; client: string; reference: string | undefined; now: number },
    keyed?: KeyedRequest,
  ): Promise<Granted | Closed | NotFound | Limited | Repeated> {
    const { client, now } = asked;
    return this.database.transaction<Granted | Closed | NotFound | Limited | Repeated>(
      async (executor, abort) => {
        const pinId = await this.pinIdOf(executor, asked.which, client);
        const repeated =
          keyed && (await this.keys.claim(executor, { client, pinId }, keyed, now, true));
        if (repeated) return repeated;
        const row = await this.count(executor, { ...asked, pinId });
        if (!row) return abort(await this.refusal(executor, { ...asked, pinId }));
        const { phoneNumber, providerPinId } = this.open(row);
        const numberHash = await this.hashOf(executor, phoneNumber, client);
        const taken = await this.limits.takeFailure(executor, numberHash, now);
        if (taken.outcome === 'limited') return abort(taken);
        const { entry } = taken;
        return {
          outcome: 'granted',
          attempt: { pinId, client, phoneNumber, providerPinId, entry, keyed },
        };
      },
    );
  }

  override async returnAttempt(attempt: Attempt): Promise<void> {
    const { pinId, keyed } = attempt;
    await this.database.transaction(async (executor) => {
      await this.queries.returnAttempt(executor, { pinId });
      await this.forgive(executor, attempt);
      if (keyed) await this.keys.release(executor, attempt, keyed);
    });
  }

  override async settle(attempt: Attempt, verdict: Verdict, now: number): Promise<Settlement> {
    const { keyed } = attempt;
    return this.database.transaction(async (executor) => {
      const settlement = await this.apply(executor, attempt, verdict, now);
      if (verdict !== 'wrong_code') await this.forgive(executor, attempt);
      if (keyed) await this.keys.answer(executor, attempt, keyed, settlement);
      return settlement;
    });
  }

  override async find(
    pinId: string,
    client: string,
    now: number,
  ): Promise<Verification | undefined> {
    const [row] = await this.database.run(this.queries.read, { pinId, client });
    const status = row && statusOf(row, now);
    if (!row || !status) return undefined;
    return {
      pinId,
      status,
      phoneNumber: this.open(row).phoneNumber,
      channel: row.channel,
      createdAt: row.created_at,
      expiresAt: row.expires_at,
      verifiedAt: row.verified_at ?? undefined,
      attemptsRemaining: attemptsRemaining(row),
    };
  }

  override async cancel(pinId: string, client: string): Promise<boolean> {
    return this.database.transaction(async (executor) => {
      await this.queries.cancel(executor, { pinId, client });
      return (await this.taken(executor, pinId, client)) !== undefined;
    });
  }

  override async lastVerifiedAt(
    phoneNumber: PhoneNumber,
    client: string,
  ): Promise<number | undefined> {
    return this.database.transaction(async (executor) => {
      const numberHash = await this.hashOf(executor, phoneNumber, client);
      const [row] = await this.queries.lastVerified(executor, { client, numberHash });
      return row?.verified_at ?? undefined;
    });
  }

  override async erase(phoneNumber: PhoneNumber, client: string): Promise<void> {
    await this.database.transaction(async (executor) => {
      const numberHash = await this.hashOf(executor, phoneNumber, client);
      await this.queries.forgetKeys(executor, { client, numberHash });
      await this.queries.forget(executor, { client, numberHash });
    });
  }

  private async confirmIn(
    executor: Executor,
    { pinId, client, channel, resends }: SendTicket,
    sealed: string,
  ): Promise<boolean> {
    if (resends !== undefined) {
      await this.queries.confirmResend(executor, { pinId, sealed, channel });
      return true;
    }
    const [row] = await this.queries.read(executor, { pinId, client });
    if (row?.status !== 'sending') return false;
    const numberOfClient = { client, numberHash: row.number_hash };
    await this.queries.supersede(executor, { ...numberOfClient, createdAt: row.created_at });
    const confirmed = await this.queries.confirm(executor, { pinId, ...numberOfClient, sealed });
    return confirmed.length > 0;
  }

  private async apply(
    executor: Executor,
    { pinId, client }: Attempt,
    verdict: Verdict,
    now: number,
  ): Promise<Settlement> {
    switch (verdict) {
      case 'verified':
        if ((await this.queries.verify(executor, { pinId, now })).length > 0)
          return { verified: true };
        break;
      case 'expired':
        await this.queries.expire(executor, { pinId, now });
        break;
      case 'exhausted':
        await this.queries.spendAttempts(executor, { pinId });
        break;
      case 'wrong_code':
        break;
    }
    const [row] = await this.queries.read(executor, { pinId, client });
    if (!row) return { verified: false, reason: 'cancelled' };
    if (verdict === 'wrong_code' && row.status === 'pending' && now < row.expires_at) {
      return { verified: false, reason: 'wrong_code', attemptsRemaining: attemptsRemaining(row) };
    }
    return { verified: false, reason: closureOf(row, now) };
  }

  /** Takes the code out of the number's failures again. */
  private async forgive(
    executor: Executor,
    { phoneNumber, client, entry }: Attempt,
  ): Promise<void> {
    const numberHash = await this.hashOf(executor, phoneNumber, client);
    await this.limits.returnFailure(executor, numberHash, entry);
  }

  private async count(
    executor: Executor,
    asked: { pinId: string; client: string; reference: string | undefined; now: number },
  ): Promise<VerificationRow | undefined> {
    const { pinId, client, now } = asked;
    for (const referenceHash of this.referenceHashes(asked.reference)) {
      const [row] = await this.queries.takeAttempt(executor, { pinId, client, referenceHash, now });
      if (row) return row;
    }
    return undefined;
  }

  private async refusal(
    executor: Executor,
    asked: { pinId: string; client: string; reference: string | undefined; now: number },
  ): Promise<Closed | NotFound> {
    const row = await this.taken(executor, asked.pinId, asked.client);
    if (!row) return NOT_FOUND;
    if (!this.referenceHashes(asked.reference).includes(row.reference_hash)) {
      return { outcome: 'closed', reason: 'reference_mismatch' };
    }
    return { outcome: 'closed', reason: closureOf(row, asked.now) };
  }

  /** A verification that the provider has taken: until then nobody has heard of it. */
  private async taken(
    executor: Executor,
    pinId: string,
    client: string,
  ): Promise<VerificationRow | undefined> {
    const [row] = await this.queries.read(executor, { pinId, client });
    return row && row.sealed !== '' ? row : undefined;
  }

  private async pinIdOf(executor: Executor, which: Which, client: string): Promise<string> {
    if ('pinId' in which) return which.pinId;
    const numberHash = await this.hashOf(executor, which.phoneNumber, client);
    const [row] = await this.queries.newest(executor, { client, numberHash });
    return row?.pin_id ?? '';
  }

  private referenceHashes(reference: string | undefined): string[] {
    if (reference === undefined) return [''];
    return [
      this.vault.hash('reference', reference),
      ...this.vault.olderHashes('reference', reference),
    ];
  }

  /** The number's hash. What was written under a secret on its way out is renamed to it first. */
  private async hashOf(executor: Executor, { e164 }: PhoneNumber, client: string): Promise<string> {
    const current = this.vault.hash('phone-number', e164);
    for (const older of this.vault.olderHashes('phone-number', e164)) {
      await this.queries.renameNumber(executor, { older, current });
      await this.queries.renameVerifications(executor, { client, older, current });
    }
    return current;
  }

  private open(row: VerificationRow): { phoneNumber: PhoneNumber; providerPinId: string } {
    const { to, providerPinId } = JSON.parse(this.vault.open(row.sealed, row.pin_id)) as Secrets;
    return { phoneNumber: PhoneNumber.fromE164(to), providerPinId };
  }
}
