import { startPostgres } from '../support/services/postgres.js';
import type { EngineName } from './options.js';
import { RunningSubject, type Stage } from './running-subject.js';
import type { Subject } from './subjects.js';

/** Runs those subjects that can use the engine, each with records of its own, while the work lasts. */
export async function lineUp<T>(
  engine: EngineName,
  subjects: readonly Subject[],
  stage: Stage,
  work: (running: readonly RunningSubject[]) => Promise<T>,
): Promise<T> {
  const server = engine === 'postgres' ? await startPostgres() : undefined;
  const running: RunningSubject[] = [];
  try {
    for (const subject of subjects.filter(({ engines }) => engines.includes(engine))) {
      const databaseUrl = await server?.createDatabase();
      running.push(await RunningSubject.start(subject, stage, { databaseUrl }));
    }
    return await work(running);
  } finally {
    await Promise.all(running.map((subject) => subject.stop()));
    await server?.stop();
  }
}
