import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { hours } from '../../common/durations.js';
import { limitsConfig, type LimitsConfig } from '../../config/limits.config.js';
import { otpConfig, type OtpConfig } from '../../config/otp.config.js';
import type { IdempotencyClaim, LimitExceeded } from '../verification-store.js';
import { Database } from './database.js';
import { fullUntil, type Window } from './event-log.js';
import { canVerify, holdsKey, isCountedForEndUser } from './conditions.js';
import {
  byKey,
  byVerification,
  prepareReturn,
  prepareTake,
  type Brought,
  type LogPlace,
} from './event-log-queries.js';
import type { Executor, Packet } from './statement.js';

const SENDS: LogPlace = {
  table: 'numbers',
  key: 'number_hash',
  log: 'sends',
  others: ['failures'],
  told: 'verified_at',
};
const FAILURES: LogPlace = {
  table: 'numbers',
  key: 'number_hash',
  log: 'failures',
  others: ['sends'],
  told: 'verified_at',
};

/** A text that is to be counted for its number. */
interface Text extends IdempotencyClaim {
  /** The number's hash. */
  readonly key: string;
  readonly client: string;
}

/** What a text gives back that its end user may not have. */
interface RefusedText {
  /** The number's hash. */
  readonly key: string;
  readonly entry: string;
  readonly endUserHash: string;
  readonly endUserEntry: string;
}

/** What each phone number may cost and risk, over all clients: texts and wrong codes. */
@Injectable()
export class NumberLimits {
  private readonly cooldown: Window;
  private readonly sends: readonly [Window, Window];
  private readonly failures: readonly [Window, Window];
  private readonly queries;

  constructor(
    database: Database,
    @Inject(otpConfig.KEY) otp: OtpConfig,
    @Inject(limitsConfig.KEY) limits: LimitsConfig,
  ) {
    this.cooldown = { count: 1, windowMs: otp.sendCooldownMs };
    this.sends = [this.cooldown, { count: limits.sendsPerNumberPerDay, windowMs: hours(24) }];
    this.failures = [
      { count: limits.failuresPerNumberPerHour, windowMs: hours(1) },
      { count: limits.failuresPerNumberPerDay, windowMs: hours(24) },
    ];
    this.queries = {
      takeSend: prepareTake(database, SENDS, this.sends, byKey<Text>(holdsKey)),
      takeFailure: prepareTake(database, FAILURES, this.failures, byVerification(database)),
      returnSend: prepareReturn(database, SENDS),
      returnRefused: prepareReturn<RefusedText>(
        database,
        SENDS,
        (p) => sql`not ${isCountedForEndUser(p)}`,
      ),
      returnFailure: prepareReturn(database, FAILURES),
      verified: database.prepare(
        (db, p: { key: string; entry: string; pinId: string; now: number }) =>
          db
            .updateTable('numbers')
            .set({ failures: sql<string>`replace(failures, ${p.entry}, '')`, verified_at: p.now })
            .where('number_hash', '=', p.key)
            .where(canVerify(database, p)),
      ),
      forgetVerified: database.prepare((db, p: { key: string }) =>
        db.updateTable('numbers').set({ verified_at: 0 }).where('number_hash', '=', p.key),
      ),
      read: database.prepare((db, p: { key: string }) =>
        db.selectFrom('numbers').select(['sends', 'failures']).where('number_hash', '=', p.key),
      ),
    };
  }

  /**
   * Counts a text, provided that its run holds its idempotency key, and that neither the cooldown nor
   * the day's budget is in the way.
   * @returns tells when somebody last verified the number, in milliseconds since the epoch and 0 if
   * never; `undefined` if the text was not counted
   */
  takeSend(packet: Packet, text: Text, entry: string, now: number): () => number | undefined {
    const taken = this.queries.takeSend(packet, text, entry, now);
    return () => taken.row?.told;
  }

  /** Until when the number may have no other text. */
  async noSend(executor: Executor, numberHash: string, now: number): Promise<LimitExceeded> {
    const { sends } = await this.read(executor, numberHash);
    // What was in the way may have been given back since: then it is over by now.
    const cooldownUntil = fullUntil(sends, now, [this.cooldown]) ?? now;
    const until = fullUntil(sends, now, this.sends) ?? now;
    return {
      outcome: 'limited',
      limit: cooldownUntil === until ? 'cooldown' : 'sends_per_day',
      until,
    };
  }

  /**
   * Counts a wrong code for a verification's number before it is known to be one, provided that the
   * verification takes a code and its number may have another wrong one.
   */
  takeFailure(packet: Packet, brought: Brought, entry: string, now: number): void {
    this.queries.takeFailure(packet, brought, entry, now);
  }

  /** Until when the number may have no other wrong code. */
  async noFailure(executor: Executor, numberHash: string, now: number): Promise<LimitExceeded> {
    const { failures } = await this.read(executor, numberHash);
    return {
      outcome: 'limited',
      limit: 'failures',
      until: fullUntil(failures, now, this.failures) ?? now,
    };
  }

  /** The text never left. */
  returnSend(packet: Packet, numberHash: string, entry: string): void {
    this.queries.returnSend(packet, { key: numberHash, entry });
  }

  /** Gives back a text that its end user may not have. */
  returnRefused(packet: Packet, refused: RefusedText): void {
    this.queries.returnRefused(packet, refused);
  }

  /** The code was right but opened nothing, or nobody judged it. */
  returnFailure(packet: Packet, numberHash: string, entry: string): void {
    this.queries.returnFailure(packet, { key: numberHash, entry });
  }

  /**
   * The code was right, and whoever has the number is known from now on; provided that it can still
   * verify. The verification is locked before its number, as wherever both are.
   */
  verified(
    packet: Packet,
    key: string,
    { pinId, entry, now }: { pinId: string; entry: string; now: number },
  ): void {
    this.queries.verified(packet, { key, pinId, entry, now });
  }

  /** Nobody is known to have the number any more. */
  forgetVerified(packet: Packet, numberHash: string): void {
    this.queries.forgetVerified(packet, { key: numberHash });
  }

  private async read(executor: Executor, numberHash: string) {
    const { row } = await executor.run((packet) => this.queries.read(packet, { key: numberHash }));
    return row ?? { sends: '', failures: '' };
  }
}
