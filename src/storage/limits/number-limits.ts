import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { Database } from '../engines/database.js';
import { FAILURES, SENDS } from './number-columns.js';
import { canBeClaimed } from './predicates.js';
import { createReleaseQuery, createReplaceQuery } from './sliding-window.js';
import { isClientNumber, isNewestEndUserSend, type ClientNumberKey } from './window-predicates.js';

/** A send to release unless it was counted for its end user. */
interface RejectedSend extends ClientNumberKey {
  readonly endUserHash: string;
  readonly endUserEntry: string;
}

/** A right code: its number, its entry there, and its verification. */
interface RightCode extends ClientNumberKey {
  readonly entry: string;
  readonly pinId: string;
  readonly now: number;
}

/**
 * Limits sends and wrong codes per phone number and client. What other clients did at the number
 * only limits a client to its share.
 */
@Injectable()
export class NumberLimits {
  /** Queries for other transactions. A failure is a wrong code, or one that is being checked. */
  readonly queries;

  constructor(database: Database) {
    const { lockClause } = database;
    this.queries = database.prepare('number_limits', {
      releaseSend: createReleaseQuery<ClientNumberKey>(SENDS, isClientNumber),
      replaceSend: createReplaceQuery<ClientNumberKey>(SENDS, isClientNumber),
      /** Releases a send that its end user's limit rejected. */
      releaseRejected: createReleaseQuery<RejectedSend>(
        SENDS,
        (p) => sql`${isClientNumber(p)} and not ${isNewestEndUserSend(p)}`,
      ),
      releaseAttempt: createReleaseQuery<ClientNumberKey>(FAILURES, isClientNumber),
      /** If the verification can still be verified; locks it before its number, as everywhere. */
      recordVerified: (db, p: RightCode) =>
        db
          .updateTable('client_numbers')
          .set({ failures: sql<string>`replace(failures, ${p.entry}, '')`, verified_at: p.now })
          .where(isClientNumber(p))
          .where(canBeClaimed(lockClause, p)),
      untrustNumber: (db, p: ClientNumberKey) =>
        db.updateTable('client_numbers').set({ verified_at: 0 }).where(isClientNumber(p)),
      read: (db, p: ClientNumberKey) =>
        db
          .selectFrom('client_numbers')
          .select(['sends', 'failures', 'verified_at'])
          .where(isClientNumber(p)),
    });
  }
}
