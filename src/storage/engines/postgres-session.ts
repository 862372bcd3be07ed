import { setTimeout } from 'node:timers/promises';
import type pg from 'pg';
import { minutes, seconds } from '../../common/durations.js';
import type { BoundStatement } from './statement-batch.js';

declare module 'pg' {
  interface ClientBase {
    /** The process id of the session, as the server sent it when connecting. */
    readonly processID: number | null;
  }
}

/** Limit of connecting, and of one statement: so a request gets 503 well within its deadline. */
export const TIMEOUT_MS = seconds(2);

/**
 * Limit of one statement of a command that only reads: a report may count millions of rows. A
 * statement that hangs still ends.
 */
export const READ_TIMEOUT_MS = minutes(5);

/** SQL that sets the limits: for the transaction if `isLocal`, else for the session. */
const setTimeLimits = (timeoutMs: number, isLocal: boolean): string[] =>
  Object.entries({
    statement_timeout: timeoutMs,
    idle_in_transaction_session_timeout: TIMEOUT_MS + seconds(1),
  }).map(([name, ms]) => `set_config('${name}', '${String(ms)}', ${String(isLocal)})`);

/** Sets the time limits of one transaction. */
const limitTransaction = (timeoutMs: number): BoundStatement => ({
  statement: {
    name: 'transaction.limit',
    text: `select ${setTimeLimits(timeoutMs, true).join(', ')}`,
  },
  values: [],
});

/**
 * Connections that lead to a pooler such as PgBouncer, and not to a session of PostgreSQL. Each has
 * the statements that its transactions begin with.
 */
const poolerClients = new WeakMap<pg.ClientBase, readonly BoundStatement[]>();

/** The sessions of connections that lead to no pooler, as {@link END_SESSIONS} compares them. */
const sessions = new WeakMap<pg.ClientBase, string>();

/** A process id alone may belong to another session by now, or to one of another server. */
const SESSION = `pid || ' ' || backend_start`;

/** Returns a row for each session that has not ended yet. */
const END_SESSIONS = `select pg_terminate_backend(pid) from pg_stat_activity where ${SESSION} = any($1)`;

/** How long the end of a session is awaited. Only one that waits for a slow disk takes longer. */
const END_TIMEOUT_MS = seconds(1);

/** What a new connection is used for. */
export interface SessionUse {
  /**
   * Whether the connection writes. Then a standby or a read-only primary is refused, as by libpq's
   * `target_session_attrs=read-write`.
   */
  readonly writes: boolean;
  /** How long one statement may take, in milliseconds. `undefined`: no time limits. */
  readonly timeoutMs: number | undefined;
}

/**
 * Checks a new connection and sets its time limits, in one statement. PgBouncer would refuse the
 * limits as parameters of the connection. A pooler sends a process id of its own when connecting,
 * which differs from that of the session.
 * @throws Error if the server is read-only, and the connection is for writing
 */
export async function startSession(
  client: pg.PoolClient,
  { writes, timeoutMs }: SessionUse,
): Promise<void> {
  const limit = timeoutMs === undefined ? `''` : setTimeLimits(timeoutMs, false).join(' || ');
  const { rows } = await client.query<{
    isReadOnly: boolean;
    limits: string | null;
    session: string | null;
  }>(
    `select current_setting('transaction_read_only') = 'on' as "isReadOnly",
      case when pg_backend_pid() = ${String(client.processID)} then ${limit} end as limits,
      (select ${SESSION} from pg_stat_activity where pid = pg_backend_pid()) as session`,
  );
  const [row] = rows;
  if (row?.isReadOnly === true && writes) throw new Error('the server is read-only');
  if (row?.limits === null) {
    poolerClients.set(client, timeoutMs === undefined ? [] : [limitTransaction(timeoutMs)]);
  } else if (row?.session) sessions.set(client, row.session);
}

/** Identifies the session of a connection for {@link endSessions}; `undefined` behind a pooler. */
export const getSession = (client: pg.ClientBase): string | undefined => sessions.get(client);

/**
 * Ends sessions on the server. After that, they commit nothing, also if a request reaches the server
 * late.
 * @returns whether all of them have ended, or belong to another server
 */
export async function endSessions(
  client: pg.ClientBase,
  lost: readonly string[],
): Promise<boolean> {
  const startedAt = performance.now();
  while (performance.now() - startedAt < END_TIMEOUT_MS) {
    const { rows } = await client.query(END_SESSIONS, [lost]);
    if (rows.length === 0) return true;
    await setTimeout(1);
  }
  return false;
}

/**
 * Whether the connection leads to a pooler such as PgBouncer. The pool mode cannot be read, so each
 * transaction may get another session. So statements get no names, and settings end with the
 * transaction.
 */
export const usesPooler = (client: pg.ClientBase): boolean => poolerClients.has(client);

/** The statements that a transaction begins with. */
export const transactionStart = (client: pg.ClientBase): readonly BoundStatement[] =>
  poolerClients.get(client) ?? [];
