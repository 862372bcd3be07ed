import pg from 'pg';
import { serialize } from 'pg-protocol';
import type { Asked, Rows } from './statement.js';

/** What the server says to a batch. */
interface Said {
  readonly rows: readonly Rows[];
  /** What its last statement did; a `COMMIT` where something had failed did a `ROLLBACK`. */
  readonly command: string;
}

/** A column of a statement's rows, and what its text means. */
interface Column {
  readonly name: string;
  readonly read: (text: unknown) => unknown;
}

/** Statements that stand or fall together, and who waits for what the server says to them. */
export interface Batch {
  readonly asked: readonly Asked[];
  /** Called once all of them are there and, where they were in no transaction, are committed. */
  readonly resolve: (said: Said) => void;
  readonly reject: (error: Error) => void;
}

/** Runs statements as one batch. @returns what {@link Batch.resolve} is called with */
export function runTogether(client: pg.PoolClient, asked: readonly Asked[]): Promise<Said> {
  return new Promise((resolve, reject) => {
    void runInTurn(client, [{ asked, resolve, reject }]);
  });
}

/**
 * Runs batches that travel in one packet, one after the other, each with a `Sync` behind it: of a
 * batch the server runs nothing behind a statement that fails, and if it is in no transaction, it is
 * one of its own (PostgreSQL, "Pipelining" in the message flow of its protocol).
 * @returns when the last one has its answer; never fails
 */
export function runInTurn(client: pg.PoolClient, batches: readonly Batch[]): Promise<void> {
  const columns: Columns = prepared.get(client) ?? new Map<string, readonly Column[]>();
  prepared.set(client, columns);
  return new Promise((done) => {
    const waiting = batches.values();
    // At once: what is said to the next one may have come together with the end of this one's.
    const proceed = (packet?: Buffer): void => {
      const { value: batch } = waiting.next();
      if (batch) client.query(new Course(batch, columns, packet, proceed));
      else done();
    };
    proceed(packetOf(batches, columns));
  });
}

const types = new pg.TypeOverrides();
// 64-bit integers would stay text; all of ours are times and sums, and fit a double exactly.
types.setTypeParser(pg.types.builtins.INT8, Number);

/** As the server describes a column. */
interface Field {
  readonly name: string;
  readonly dataTypeID: number;
}

/** The columns of the statements that a connection has prepared, by their names. */
type Columns = Map<string, readonly Column[]>;

const prepared = new WeakMap<pg.PoolClient, Columns>();

/**
 * The course of one batch, as the driver takes queries that are not its own. Its own would be a
 * packet each, and be told the names of their columns every time.
 */
class Course implements pg.Submittable {
  private readonly rows: object[][];
  private command = '';
  /** How many of its statements have run. */
  private position = 0;

  /** @param packet what is still to be written, if anything */
  constructor(
    private readonly batch: Batch,
    private readonly columns: Columns,
    private readonly packet: Buffer | undefined,
    private readonly ended: () => void,
  ) {
    this.rows = batch.asked.map(() => []);
  }

  submit({ stream }: pg.Connection): void {
    if (this.packet) stream.write(this.packet);
  }

  /** Comes between a statement's preparation and its rows. */
  handleRowDescription({ fields }: { readonly fields: readonly Field[] }): void {
    const columns = fields.map(({ name, dataTypeID }) => ({
      name,
      read: types.getTypeParser(dataTypeID) as Column['read'],
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
    // One that gives no rows back is prepared without a word.
    if (!this.columns.has(this.name)) this.columns.set(this.name, []);
    this.position += 1;
  }

  handleReadyForQuery(): void {
    this.batch.resolve({ rows: this.rows, command: this.command });
    this.ended();
  }

  /** What came behind in the batch was not run. */
  handleError(error: Error): void {
    this.batch.reject(error);
    this.ended();
  }

  private get name(): string {
    return this.batch.asked[this.position]?.statement.name ?? '';
  }
}

function packetOf(batches: readonly Batch[], columns: Columns): Buffer {
  const messages: Buffer[] = [];
  for (const { asked } of batches) {
    for (const { statement, values } of asked) {
      const { name, text } = statement;
      if (!columns.has(name)) messages.push(...preparation(name, text));
      messages.push(
        serialize.bind({ statement: name, values: [...values], valueMapper: textOf }),
        serialize.execute(),
      );
    }
    messages.push(serialize.sync());
  }
  return Buffer.concat(messages);
}

/** Closed first, in case that it failed after it was prepared; to close what is not there is no error. */
const preparation = (name: string, text: string): Buffer[] => [
  serialize.close({ type: 'S', name }),
  serialize.parse({ name, text }),
  serialize.describe({ type: 'S', name }),
];

const textOf = (value: string | number | null): string | null =>
  value === null ? null : String(value);
