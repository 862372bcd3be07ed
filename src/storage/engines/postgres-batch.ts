import pg from 'pg';
import { serialize } from 'pg-protocol';
import { ConnectionError, toStatementError } from './postgres-errors.js';
import { encodeExecution, SYNC } from './postgres-messages.js';
import { usesPooler } from './postgres-session.js';
import type { BoundStatement, ResultRows } from './statement-batch.js';

/*
 * Batches of prepared statements, encoded here and not by the driver. The driver's `pipeline: true`
 * takes 2 to 3 times the CPU time of this process (measured): it writes each statement by itself,
 * and gets the column names with each result.
 */

interface BatchResult {
  readonly rows: readonly ResultRows[];
  /** The command tag of the last statement: `ROLLBACK` for a `commit` after an error. */
  readonly command: string;
}

/** Statements that succeed or fail together. */
export interface SqlBatch {
  readonly statements: readonly BoundStatement[];
  /** Called when all statements are done and, outside a transaction, committed. */
  readonly resolve: (result: BatchResult) => void;
  readonly reject: (error: Error) => void;
}

interface RowColumn {
  readonly name: string;
  readonly read: (text: unknown) => unknown;
}

/** The columns of the statements that one connection has prepared, by statement name. */
type ColumnMap = Map<string, readonly RowColumn[]>;

/** A column as the server describes it. */
interface RowField {
  readonly name: string;
  readonly dataTypeID: number;
}

const columnsByClient = new WeakMap<pg.PoolClient, ColumnMap>();

const types = new pg.TypeOverrides();
// The driver returns 64-bit integers as text by default. A double holds times and counts exactly.
types.setTypeParser(pg.types.builtins.INT8, Number);

/** Runs statements as one batch. */
export function runBatch(
  client: pg.PoolClient,
  statements: readonly BoundStatement[],
): Promise<BatchResult> {
  return new Promise((resolve, reject) => {
    void runPipeline(client, [{ statements, resolve, reject }]);
  });
}

/**
 * Runs batches in order with one write, a `Sync` behind each: the server skips the rest of a batch
 * after an error, and a batch outside a transaction is a transaction of its own (PostgreSQL,
 * "Pipelining" in the message flow of its protocol).
 * @returns the error that made the connection unusable, if any, once the last batch is done; never
 * rejects
 */
export function runPipeline(
  client: pg.PoolClient,
  batches: readonly SqlBatch[],
): Promise<ConnectionError | undefined> {
  const columns: ColumnMap = columnsByClient.get(client) ?? new Map<string, readonly RowColumn[]>();
  columnsByClient.set(client, columns);
  return new Promise((done) => {
    const remaining = batches.values();
    let connectionError: ConnectionError | undefined;
    // Called synchronously when a batch ends: the next result may have arrived in the same read.
    const submitNextBatch = (error?: Error, bytes?: Buffer): void => {
      if (error instanceof ConnectionError) connectionError ??= error;
      const { value: batch } = remaining.next();
      if (!batch) done(connectionError);
      else if (usesPooler(client)) submitAlone(batch);
      else client.query(new PipelinedQuery(batch, columns, bytes, submitNextBatch));
    };
    // A pooler may change the session after a `Sync`. If the next batch is written before that, the
    // change can fall within the batch. So each batch is written after the result of the last one.
    const submitAlone = (batch: SqlBatch): void => {
      const bytes = encodeUnnamed(batch, columns);
      client.query(new PipelinedQuery(batch, columns, bytes, submitNextBatch));
    };
    submitNextBatch(undefined, usesPooler(client) ? undefined : encodeBatches(batches, columns));
  });
}

/** Receives the messages of one batch; the driver calls its methods. */
class PipelinedQuery implements pg.Submittable {
  private readonly rows: object[][];
  private command = '';
  /** How many statements are done. */
  private position = 0;

  /** @param bytes the encoded batch; `undefined` if it was written with an earlier one */
  constructor(
    private readonly batch: SqlBatch,
    private readonly columns: ColumnMap,
    private readonly bytes: Buffer | undefined,
    private readonly onEnd: (error?: Error) => void,
  ) {
    this.rows = batch.statements.map(() => []);
  }

  submit({ stream }: pg.Connection): void {
    if (this.bytes) stream.write(this.bytes);
  }

  /** Arrives only when a statement is prepared. */
  handleRowDescription({ fields }: { readonly fields: readonly RowField[] }): void {
    const columns = fields.map(({ name, dataTypeID }) => ({
      name,
      read: types.getTypeParser(dataTypeID) as RowColumn['read'],
    }));
    this.columns.set(this.name, columns);
  }

  handleDataRow({ fields }: { readonly fields: readonly (string | null)[] }): void {
    const row: Record<string, unknown> = {};
    this.columns.get(this.name)?.forEach(({ name, read }, index) => {
      const text = fields[index] ?? null;
      row[name] = text === null ? null : read(text);
    });
    this.rows[this.position]?.push(row);
  }

  handleCommandComplete({ text }: { readonly text: string }): void {
    this.command = text;
    // The server describes only statements that return rows.
    if (!this.columns.has(this.name)) this.columns.set(this.name, []);
    this.position += 1;
  }

  handleReadyForQuery(): void {
    this.batch.resolve({ rows: this.rows, command: this.command });
    this.onEnd();
  }

  handleError(cause: Error): void {
    const error = toStatementError(cause);
    this.batch.reject(error);
    this.onEnd(error);
  }

  private get name(): string {
    return this.batch.statements[this.position]?.statement.name ?? '';
  }
}

function encodeBatches(batches: readonly SqlBatch[], columns: ColumnMap): Buffer {
  let messages = '';
  for (const { statements } of batches) {
    for (const { statement, values } of statements) {
      const { name, text } = statement;
      if (!columns.has(name)) messages += encodePreparation(name, text);
      messages += encodeExecution(name, values);
    }
    messages += SYNC;
  }
  return Buffer.from(messages, 'latin1');
}

/**
 * Encodes a batch for a pooler: without statement names, so each statement is parsed again. It is
 * described only if its columns are unknown.
 */
function encodeUnnamed({ statements }: SqlBatch, columns: ColumnMap): Buffer {
  const messages = statements.map(({ statement: { name, text }, values }) => {
    const description = columns.has(name) ? [] : [serialize.describe({ type: 'S' })];
    return toBinary(serialize.parse({ text }), ...description) + encodeExecution('', values);
  });
  return Buffer.from(messages.join('') + SYNC, 'latin1');
}

/**
 * Closes the name first: after an error, the name may still be in use. Closing an unknown name is
 * no error.
 */
const encodePreparation = (name: string, text: string): string =>
  toBinary(
    serialize.close({ type: 'S', name }),
    serialize.parse({ name, text }),
    serialize.describe({ type: 'S', name }),
  );

const toBinary = (...messages: readonly Buffer[]): string =>
  Buffer.concat(messages).toString('latin1');
