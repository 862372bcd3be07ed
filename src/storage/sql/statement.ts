import type { Compilable, Kysely, RawBuilder } from 'kysely';
import type { Schema } from './schema.js';

/** A statement as the database reads it. */
export interface Statement {
  /** One name for one text, so that whoever runs it can keep it prepared. */
  readonly name: string;
  readonly text: string;
}

/** A statement with its values. */
export interface Asked {
  readonly statement: Statement;
  readonly values: readonly unknown[];
}

/** What a statement gives back; none where it asks for none. */
export type Rows = readonly unknown[];

/** Runs statements in their order. Resolves with the rows of each. */
export type Run = (asked: readonly Asked[]) => Promise<readonly Rows[]>;

/** What the database says to a statement; to be read once its packet is back. */
export class Answer<R> {
  private arrived: readonly R[] | undefined;

  get rows(): readonly R[] {
    if (!this.arrived) throw new Error('read before it was there');
    return this.arrived;
  }

  get row(): R | undefined {
    return this.rows[0];
  }

  arrive(rows: Rows): void {
    this.arrived = rows as readonly R[];
  }
}

/** Statements that travel together. They run in this order, and none waits for another's answer. */
export class Packet {
  readonly asked: Asked[] = [];
  private readonly answers: { arrive(rows: Rows): void }[] = [];

  /** Asks what `ask` puts into a packet. @returns what `ask` returns, once its answers are there */
  static async travel<T>(run: Run, ask: (packet: Packet) => T): Promise<T> {
    const packet = new Packet();
    const asked = ask(packet);
    const rows = await run(packet.asked);
    packet.answers.forEach((answer, place) => {
      answer.arrive(rows[place] ?? []);
    });
    return asked;
  }

  add<R>(statement: Statement, values: readonly unknown[]): Answer<R> {
    const answer = new Answer<R>();
    this.asked.push({ statement, values });
    this.answers.push(answer);
    return answer;
  }
}

/** What asks packets: the database, where each is a transaction, or one transaction on it. */
export interface Executor {
  /** @returns what `ask` returns, once the answers to what it put into the packet are there */
  run<T>(ask: (packet: Packet) => T): Promise<T>;
}

/** A query that was compiled once; a call only binds its values. */
export type Prepared<P, R> = (packet: Packet, values: P) => Answer<R>;

/** Stands for a value that is given later, while a query is compiled. */
class Parameter {
  constructor(readonly name: string) {}
}

let count = 0;

/** Compiles a query for many executions; `build` uses the parameters as if they were values. */
export function prepare<P extends object, R>(
  db: Kysely<Schema>,
  build: (db: Kysely<Schema>, parameters: P) => Compilable<R> | RawBuilder<R>,
): Prepared<P, R> {
  const parameters = new Proxy({}, { get: (_target, name) => new Parameter(String(name)) }) as P;
  const compiled = build(db, parameters).compile(db);
  const statement: Statement = { name: `s${String((count += 1))}`, text: compiled.sql };
  const places = compiled.parameters;
  return (packet, values) =>
    packet.add(
      statement,
      places.map((place) => (place instanceof Parameter ? values[place.name as keyof P] : place)),
    );
}
