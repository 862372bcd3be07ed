import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { Database } from '../engines/database.js';
import { FAILURES, SENDS } from './number-columns.js';
import { canBeClaimed } from './predicates.js';
import { createReleaseQuery, createReplaceQuery } from './sliding-window.js';
import {
  isClientNumber,
  isNewestEndUserSend,
  isNumberOfCode,
  type ClientNumberKey,
  type CodeNumberKey,
} from './window-predicates.js';

/** A send that was counted for its number, and maybe not for its end user. */
interface RejectedSend extends ClientNumberKey {
  readonly endUserHash: string;
  readonly endUserEntry: string;
}

/** A right code: its number and client, its entry among their wrong codes, and its verification. */
interface RightCode extends ClientNumberKey {
  readonly entry: string;
  readonly pinId: string;
  readonly now: number;
}

/**
 * Limits sends and wrong codes per phone number and client. While other clients use the number,
 * too, a client has only a share of each limit.
 */
@Injectable()
export class NumberLimits {
  /** Queries for batches of repositories. A failure is a wrong code, or a code being checked. */
  readonly queries;

  constructor(database: Database) {
    const { lockClause } = database;
    this.queries = database.prepare('number_limits', {
      releaseSend: createReleaseQuery<ClientNumberKey>(SENDS, isClientNumber),
      replaceSend: createReplaceQuery<ClientNumberKey>(SENDS, isClientNumber),
      /** Releases a send if it was not counted for its end user. */
      releaseRejected: createReleaseQuery<RejectedSend>(
        SENDS,
        (p) => sql`${isClientNumber(p)} and not ${isNewestEndUserSend(p)}`,
      ),
      releaseAttempt: createReleaseQuery<CodeNumberKey>(FAILURES, isNumberOfCode),
      replaceAttempt: createReplaceQuery<CodeNumberKey>(FAILURES, isNumberOfCode),
      /**
       * Records a right code if the verification can still be verified. Locks the verification
       * before the row of its number, as all transactions do.
       */
      recordVerified: (db, p: RightCode) =>
        db
          .updateTable('client_numbers')
          .set({ failures: sql<string>`replace(failures, ${p.entry}, '')`, verified_at: p.now })
          .where(isNumberOfCode(p))
          .where(canBeClaimed(lockClause, p)),
      clearVerifiedAt: (db, p: ClientNumberKey) =>
        db.updateTable('client_numbers').set({ verified_at: 0 }).where(isClientNumber(p)),
      read: (db, p: ClientNumberKey) =>
        db
          .selectFrom('client_numbers')
          .select(['sends', 'failures', 'verified_at'])
          .where(isClientNumber(p)),
    });
  }
}
