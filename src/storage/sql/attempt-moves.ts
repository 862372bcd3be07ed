import { Injectable } from '@nestjs/common';
import type { CheckResult } from '../../common/check-result.js';
import type {
  AttemptRequest,
  Attempt,
  VerificationClosed,
  IdempotencyClaim,
  IdempotentRequest,
  AttemptResult,
  LimitExceeded,
  VerificationNotFound,
  VerifyResult,
} from '../verification-store.js';
import { Database } from './database.js';
import { newEntry } from './event-log.js';
import { IdempotencyKeys, NO_KEY } from './idempotency-keys.js';
import { NumberLimits } from './number-limits.js';
import type { VerificationRow } from './schema.js';
import { attemptsRemaining, closureOf, statusOf } from './standing.js';
import { TrafficCounts } from './traffic-counts.js';
import { VerificationRows } from './verification-rows.js';
import type { Packet } from './statement.js';

const NOT_FOUND: VerificationNotFound = { outcome: 'not_found' };
const VERIFIED: VerifyResult = { verified: true };

/** The moves of a code: counted before the provider is asked, settled or given back after. */
@Injectable()
export class AttemptMoves {
  constructor(
    private readonly database: Database,
    private readonly rows: VerificationRows,
    private readonly limits: NumberLimits,
    private readonly traffic: TrafficCounts,
    private readonly keys: IdempotencyKeys,
  ) {}

  async reserveAttempt(asked: AttemptRequest, keyed?: IdempotentRequest): Promise<AttemptResult> {
    const { selector, client, now } = asked;
    const pinId = await this.rows.pinIdOf(this.database, selector, client);
    await this.rows.renew(this.database, pinId, client);
    if (keyed) await this.keys.renew(this.database, client, keyed);
    const key = keyed && this.keys.newRun(keyed);
    const entry = newEntry(now);
    const { claimed, counted } = await this.database.run((packet) =>
      this.count(packet, asked, { pinId, entry, key: key ?? NO_KEY }, keyed),
    );
    const { row } = counted;
    if (row) return { outcome: 'granted', attempt: this.attemptOf(row, entry, key) };
    if (key && !claimed()) {
      return this.keys.repeated(this.database, client, key, keyed, now);
    }
    return this.refusal(pinId, asked);
  }

  async releaseAttempt(attempt: Attempt): Promise<void> {
    const { pinId, numberHash, entry, key } = attempt;
    await this.database.run((packet) => {
      this.rows.queries.returnAttempt(packet, { pinId });
      this.limits.returnFailure(packet, numberHash, entry);
      if (key) this.keys.release(packet, attempt, key);
    });
  }

  async completeAttempt(
    attempt: Attempt,
    verdict: CheckResult,
    now: number,
  ): Promise<VerifyResult> {
    if (verdict === 'verified' && (await this.pass(attempt, now))) return VERIFIED;
    return this.close(attempt, verdict, now);
  }

  /** The race gate, and what comes of passing it. */
  private async pass(attempt: Attempt, now: number): Promise<boolean> {
    const { pinId, client, country, numberHash, prefixHash, createdAt, entry, key } = attempt;
    const counted = { client, country, prefix_hash: prefixHash, created_at: createdAt };
    const passed = await this.database.run((packet) => {
      this.limits.verified(packet, numberHash, { pinId, entry, now });
      this.traffic.addVerified(packet, counted, { pinId, now });
      if (key) this.keys.answerVerified(packet, attempt, key, VERIFIED, now);
      // The gate comes last, since the others ask whether it is still open.
      return this.rows.queries.verify(packet, { pinId, now });
    });
    return passed.row !== undefined;
  }

  /** The code opens nothing. */
  private async close(attempt: Attempt, verdict: CheckResult, now: number): Promise<VerifyResult> {
    const { pinId, client, numberHash, entry, key } = attempt;
    const write = (packet: Packet) => {
      if (verdict === 'expired') this.rows.queries.expire(packet, { pinId, now });
      if (isFinal(verdict)) this.rows.queries.spendAttempts(packet, { pinId });
      // Only a wrong code is a failure of its number.
      if (!isWrong(verdict)) this.limits.returnFailure(packet, numberHash, entry);
      return this.rows.queries.read(packet, { pinId, client });
    };
    if (!key) return settlementOf((await this.database.run(write)).row, verdict, now);
    return this.database.transaction(async (transaction) => {
      const { row } = await transaction.run(write);
      const settlement = settlementOf(row, verdict, now);
      await transaction.run((packet) => {
        this.keys.answer(packet, attempt, key, settlement);
      });
      return settlement;
    });
  }

  /**
   * Counts a code against its number and its verification, or against neither. None of the statements
   * waits for another's answer: what must not come about without another asks for it.
   */
  private count(
    packet: Packet,
    { client, reference, now }: AttemptRequest,
    { pinId, entry, key }: { pinId: string; entry: string; key: IdempotencyClaim },
    keyed: IdempotentRequest | undefined,
  ) {
    const { keyHash, runId } = key;
    const owner = { client, pinId };
    const claimed = keyed ? this.keys.claim(packet, owner, key, keyed, now, true) : () => false;
    for (const referenceHash of this.rows.referenceHashes(reference)) {
      this.limits.takeFailure(packet, { pinId, client, referenceHash, keyHash, runId }, entry, now);
    }
    const counted = this.rows.queries.takeAttempt(packet, { pinId, entry });
    if (keyed) this.keys.releaseUncounted(packet, owner, key, entry);
    return { claimed, counted };
  }

  private attemptOf(
    row: VerificationRow,
    entry: string,
    key: IdempotencyClaim | undefined,
  ): Attempt {
    return {
      pinId: row.pin_id,
      client: row.client,
      country: row.country,
      channel: row.channel,
      provider: row.provider,
      entry,
      // Renamed by now, if its secret is on its way out.
      numberHash: row.number_hash,
      prefixHash: row.prefix_hash,
      createdAt: row.created_at,
      key,
      ...this.rows.open(row),
    };
  }

  /** Why a code was not counted. */
  private async refusal(
    pinId: string,
    { client, reference, now }: AttemptRequest,
  ): Promise<VerificationNotFound | VerificationClosed | LimitExceeded> {
    const taken = await this.database.run((packet) => this.rows.taken(packet, pinId, client));
    const row = taken();
    if (!row) return NOT_FOUND;
    if (!this.rows.referenceHashes(reference).includes(row.reference_hash)) {
      return { outcome: 'closed', reason: 'reference_mismatch' };
    }
    if (statusOf(row, now) !== 'pending') {
      return { outcome: 'closed', reason: closureOf(row, now) };
    }
    return this.limits.noFailure(this.database, row.number_hash, now);
  }
}

const isFinal = (verdict: CheckResult): boolean =>
  verdict === 'attempts_exhausted' || verdict === 'wrong_code_final';

const isWrong = (verdict: CheckResult): boolean =>
  verdict === 'wrong_code' || verdict === 'wrong_code_final';

function settlementOf(
  row: VerificationRow | undefined,
  verdict: CheckResult,
  now: number,
): VerifyResult {
  if (!row) return { verified: false, reason: 'cancelled' };
  if (verdict === 'wrong_code' && row.status === 'pending' && now < row.expires_at) {
    return { verified: false, reason: 'wrong_code', attemptsRemaining: attemptsRemaining(row) };
  }
  return { verified: false, reason: closureOf(row, now) };
}
