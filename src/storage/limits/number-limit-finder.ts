import { Inject, Injectable } from '@nestjs/common';
import type { SharedLimit } from '../../common/label-values.js';
import { limitsConfig, type LimitsConfig } from '../../config/limits.config.js';
import { otpConfig, type OtpConfig } from '../../config/otp.config.js';
import { Database } from '../engines/database.js';
import type { Executor } from '../engines/statement-batch.js';
import type { ClientLimits, LimitExceeded, SharedLimitExceeded } from '../limit.types.js';
import {
  createNumberWindows,
  getOwnBlockedUntil,
  isShareUsed,
  type NumberWindows,
} from './number-shares.js';
import type { SendRequirements } from './send-requirements.js';
import { countEntriesAfter, getBlockedUntil } from './sliding-window.js';
import type { ClientNumberKey } from './window-predicates.js';

/** A send that a limit of its number may have rejected. */
interface RejectedSend extends SendRequirements, ClientNumberKey {
  readonly limits?: ClientLimits | undefined;
  readonly now: number;
}

/** The sends and wrong codes of a client at a number, as entries of a sliding window. */
interface ClientEntries {
  readonly client: string;
  readonly sends: string;
  readonly failures: string;
  /** When the client last verified the number, in milliseconds since the epoch; 0 if never. */
  readonly verified_at: number;
}

/** Finds which limit of a number rejected a send or a code, and until when. */
@Injectable()
export class NumberLimitFinder {
  private readonly defaults: NumberWindows;
  private readonly queries;

  constructor(
    database: Database,
    @Inject(otpConfig.KEY) otp: OtpConfig,
    @Inject(limitsConfig.KEY) limits: LimitsConfig,
  ) {
    this.defaults = createNumberWindows(otp, limits);
    this.queries = database.prepare('number_limit_finder', {
      /** The entries of every client at a number. */
      readAll: (db, p: { numberHash: string }) =>
        db
          .selectFrom('client_numbers')
          .select(['client', 'sends', 'failures', 'verified_at'])
          .where('number_hash', '=', p.numberHash),
    });
  }

  /**
   * Finds the limit that rejected a send: of the limits that the client has reached by itself, the
   * one that ends last; otherwise a limit that other clients have reached.
   */
  async findSendLimit(
    executor: Executor,
    send: RejectedSend,
  ): Promise<LimitExceeded | SharedLimitExceeded> {
    const { own, all } = await this.readEntries(executor, send);
    const ownLimit = this.findOwnSendLimit(send, own);
    if (ownLimit) return ownLimit;
    const cause = this.findSharedCause(send, own, all);
    if (cause) return { outcome: 'limited', limit: 'shared', cause };
    // The send that caused the limit may have been released since: then the limit ends now.
    return { outcome: 'limited', limit: 'cooldown', until: send.now };
  }

  /** Finds the limit of wrong codes that rejected a code. */
  async findAttemptLimit(
    executor: Executor,
    key: ClientNumberKey,
    now: number,
    limits?: ClientLimits,
  ): Promise<LimitExceeded | SharedLimitExceeded> {
    const windows = this.getWindows(limits);
    const { own } = await this.readEntries(executor, key);
    const failures = { entries: own.failures, verifiedAt: own.verified_at };
    const until = getOwnBlockedUntil(failures, now, windows.failures);
    if (until === undefined && isShareUsed(failures, now, windows.failures)) {
      return { outcome: 'limited', limit: 'shared', cause: 'shared_failures' };
    }
    return { outcome: 'limited', limit: 'failures', until: until ?? now };
  }

  private findOwnSendLimit(
    { now, expiresAt, messageFilter, limits }: RejectedSend,
    { sends: entries, failures, verified_at: verifiedAt }: ClientEntries,
  ): LimitExceeded | undefined {
    const windows = this.getWindows(limits);
    const [cooldown, day] = windows.sends;
    const sends = { entries, verifiedAt };
    const codes = { entries: failures, verifiedAt };
    const codesUntil = getOwnBlockedUntil(codes, now, windows.failures) ?? 0;
    const ends = {
      cooldown: getOwnBlockedUntil(sends, now, [cooldown]),
      sends_per_day: getOwnBlockedUntil(sends, now, [day]),
      // If this limit ends before the code expires, the code can still be verified.
      failures: codesUntil >= expiresAt ? codesUntil : undefined,
      flood_filter:
        messageFilter &&
        getBlockedUntil(entries, now, [
          { count: messageFilter.messages, windowMs: messageFilter.windowMs },
        ]),
    };
    const until = Math.max(...Object.values(ends).map((end) => end ?? 0));
    const names = Object.keys(ends) as (keyof typeof ends)[];
    const limit = names.find((name) => ends[name] === until);
    return limit && { outcome: 'limited', limit, until };
  }

  /** Finds the limit that the client reaches only because of other clients at the number. */
  private findSharedCause(
    { now, expiresAt, attempts, messageFilter, limits }: RejectedSend,
    { sends: entries, failures, verified_at: verifiedAt }: ClientEntries,
    all: readonly ClientEntries[],
  ): SharedLimit | undefined {
    const windows = this.getWindows(limits);
    if (messageFilter) {
      const after = now - messageFilter.windowMs;
      const counts = all.map(({ sends }) => countEntriesAfter(sends, after));
      const messages = counts.reduce((sum, count) => sum + count, 0);
      if (messages >= messageFilter.messages) return 'shared_flood_filter';
    }
    const isFirstCode = attempts === 0;
    const codes = { entries: failures, verifiedAt };
    if (!isFirstCode && isShareUsed(codes, now, windows.failures, expiresAt)) {
      return 'shared_failures';
    }
    const isSendShareUsed = isShareUsed({ entries, verifiedAt }, now, windows.sends);
    return isSendShareUsed ? 'shared_sends_per_day' : undefined;
  }

  private getWindows(limits: ClientLimits | undefined): NumberWindows {
    return limits ? createNumberWindows(limits.otp, limits.limits) : this.defaults;
  }

  private async readEntries(executor: Executor, { numberHash, client }: ClientNumberKey) {
    const { rows } = await executor.run((batch) => this.queries.readAll(batch, { numberHash }));
    const noEntries = { client, sends: '', failures: '', verified_at: 0 };
    return { own: rows.find((row) => row.client === client) ?? noEntries, all: rows };
  }
}
