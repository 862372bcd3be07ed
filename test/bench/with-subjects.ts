import { startPostgres } from '../support/services/postgres.js';
import type { EngineName } from './options.js';
import { RunningSubject, type RunContext } from './running-subject.js';
import type { Subject } from './subjects.js';

/** Runs the subjects that support the engine, each with its own storage, during the work. */
export async function withSubjects<T>(
  engine: EngineName,
  subjects: readonly Subject[],
  context: RunContext,
  work: (running: readonly RunningSubject[]) => Promise<T>,
): Promise<T> {
  const server = engine === 'postgres' ? await startPostgres() : undefined;
  const running: RunningSubject[] = [];
  try {
    for (const subject of subjects.filter(({ engines }) => engines.includes(engine))) {
      const databaseUrl = await server?.createDatabase();
      running.push(await RunningSubject.start(subject, context, { databaseUrl }));
    }
    return await work(running);
  } finally {
    await Promise.all(running.map((subject) => subject.stop()));
    await server?.stop();
  }
}
