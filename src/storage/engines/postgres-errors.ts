import pg from 'pg';
import { getErrorMessage } from '../../common/error-message.js';
import type { TransactionFailure } from './repeat-write.js';

/** `unique_violation`, `serialization_failure`, `deadlock_detected` (PostgreSQL, appendix A). */
const CONFLICTS = new Set(['23505', '40001', '40P01']);

/**
 * The connection leads to a server that is no longer the primary, or a pooler gave it another
 * session: `read_only_sql_transaction`, `in_failed_sql_transaction`, `invalid_sql_statement_name`.
 * The server rolled the transaction back.
 */
const WRONG_SERVER = new Set(['25006', '25P02', '26000']);

/**
 * The server ends the session: `admin_shutdown`, `crash_shutdown`, `cannot_connect_now`,
 * `idle_session_timeout`, `idle_in_transaction_session_timeout`, `transaction_timeout`.
 */
const SESSION_ENDED = new Set(['57P01', '57P02', '57P03', '57P05', '25P03', '25P04']);

/** The class of connection exceptions: the first two characters of their codes. */
const CONNECTION_CLASS = '08';

/** Insufficient resources, object in use, operator intervention (or a timeout), system error. */
const TEMPORARY_CLASSES = new Set(['53', '55', '57', '58']);

/** Whether the transaction was committed, as far as a connection error tells. */
type CommitState = 'not_begun' | 'rolled_back' | 'unknown';

/** A connection that could not be opened, or must not be used any more. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';

  constructor(
    cause: unknown,
    readonly commitState: CommitState,
  ) {
    super(getErrorMessage(cause as NodeJS.ErrnoException), { cause });
  }
}

/** Turns the error of a statement into a {@link ConnectionError} if its connection is unusable. */
export function toStatementError(error: Error): Error {
  // The error does not come from the server: a lost connection, a timeout or a protocol error.
  if (!(error instanceof pg.DatabaseError)) return new ConnectionError(error, 'unknown');
  const { code = '', severity } = error;
  if (WRONG_SERVER.has(code)) return new ConnectionError(error, 'rolled_back');
  const isEnded = SESSION_ENDED.has(code) || code.startsWith(CONNECTION_CLASS);
  return isEnded || severity === 'FATAL' || severity === 'PANIC'
    ? new ConnectionError(error, 'unknown')
    : error;
}

/** Classifies the error of a transaction, by {@link ConnectionError} or SQLSTATE. */
export function toFailure(error: unknown): TransactionFailure {
  if (error instanceof ConnectionError) {
    if (error.commitState === 'rolled_back') return 'repeatable';
    return error.commitState === 'unknown' ? 'unknown' : 'unavailable';
  }
  const code = (error as { code?: string }).code ?? '';
  if (CONFLICTS.has(code)) return 'repeatable';
  return TEMPORARY_CLASSES.has(code.slice(0, 2)) ? 'unavailable' : 'permanent';
}
