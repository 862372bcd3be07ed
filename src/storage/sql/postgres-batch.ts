import pg from 'pg';
import { serialize } from 'pg-protocol';
import type { Statement } from './statement.js';

/** A statement with its values. */
export interface Asked {
  readonly statement: Statement;
  readonly values: readonly unknown[];
}

/** What the server says to a statement. */
interface Answer {
  readonly rows: object[];
  /** What it did; it makes a `ROLLBACK` of the `COMMIT` of a transaction in which something failed. */
  command: string;
}

/** A column of a statement's rows, and what its text means. */
interface Column {
  readonly name: string;
  readonly read: (text: unknown) => unknown;
}

/**
 * Runs statements that travel in one packet, with one `Sync` behind them: the server runs none behind
 * one that fails, and those that are in no transaction are one of their own (PostgreSQL, "Extended
 * Query" in the message flow of its protocol).
 * @returns their answers, once all are there and, where they were in no transaction, are committed
 */
export function runTogether(
  client: pg.PoolClient,
  asked: readonly Asked[],
): Promise<readonly Answer[]> {
  return new Promise((resolve, reject) => {
    client.query(new Batch(client, asked, resolve, reject));
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

/** The columns of each statement that a connection has prepared, by the statement's name. */
const prepared = new WeakMap<pg.PoolClient, Map<string, readonly Column[]>>();

/**
 * As the driver takes queries that are not its own. Its own would be a packet each, and be told the
 * names of their columns every time.
 */
class Batch implements pg.Submittable {
  private readonly columns: Map<string, readonly Column[]>;
  private readonly answers: readonly Answer[];
  /** How many have run. */
  private position = 0;

  constructor(
    private readonly client: pg.PoolClient,
    private readonly asked: readonly Asked[],
    private readonly resolve: (answers: readonly Answer[]) => void,
    private readonly reject: (error: Error) => void,
  ) {
    this.columns = prepared.get(client) ?? new Map<string, readonly Column[]>();
    prepared.set(client, this.columns);
    this.answers = asked.map(() => ({ rows: [], command: '' }));
  }

  submit({ stream }: pg.Connection): void {
    const messages: Buffer[] = [];
    for (const { statement, values } of this.asked) {
      const { name, text } = statement;
      if (!this.columns.has(name)) messages.push(...preparation(name, text));
      messages.push(
        serialize.bind({ statement: name, values: [...values], valueMapper: textOf }),
        serialize.execute(),
      );
    }
    messages.push(serialize.sync());
    stream.write(Buffer.concat(messages));
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
    this.answers[this.position]?.rows.push(row);
  }

  handleCommandComplete({ text }: { readonly text: string }): void {
    const answer = this.answers[this.position];
    if (answer) answer.command = text;
    // One that gives no rows back is prepared without a word.
    if (!this.columns.has(this.name)) this.columns.set(this.name, []);
    this.position += 1;
  }

  handleReadyForQuery(): void {
    this.resolve(this.answers);
  }

  /** What came behind was not run; the driver sends nothing more until the server is ready again. */
  handleError(error: Error): void {
    this.reject(error);
  }

  private get name(): string {
    return this.asked[this.position]?.statement.name ?? '';
  }
}

/** Closed first, in case that it failed after it was prepared; to close what is not there is no error. */
const preparation = (name: string, text: string): Buffer[] => [
  serialize.close({ type: 'S', name }),
  serialize.parse({ name, text }),
  serialize.describe({ type: 'S', name }),
];

const textOf = (value: string | number | null): string | null =>
  value === null ? null : String(value);
