import type { Compilable, Kysely, RawBuilder } from 'kysely';
import type { Schema } from './schema.js';

/** A statement as the database reads it. */
export interface Statement {
  /** One name for one text, so that a server can keep it prepared. */
  readonly name: string;
  readonly text: string;
}

/** What runs statements: the database itself, or a transaction on it. */
export interface Executor {
  /** @returns its rows; none where it asks for none back. */
  execute(statement: Statement, values: readonly unknown[]): Promise<readonly unknown[]>;
}

/** A query that was compiled once; a call only binds its values. Resolves with its rows. */
export type Prepared<P, R> = (executor: Executor, values: P) => Promise<readonly R[]>;

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
  return (executor, values) => {
    const bound = places.map((place) =>
      place instanceof Parameter ? values[place.name as keyof P] : place,
    );
    return executor.execute(statement, bound) as Promise<readonly R[]>;
  };
}
