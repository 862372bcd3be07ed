import { startPostgres } from './postgres';
import { startRedis } from './redis';

/** What global-teardown.ts stops. Jest lets the two share nothing but globals. */
export const shared: typeof globalThis & { stopTestEngines?: () => Promise<void> } = globalThis;

interface Server {
  readonly url: string;
  readonly owned: boolean;
  stop(): Promise<void>;
}

/**
 * Starts the PostgreSQL and the Redis of the whole test run, unless TEST_DATABASE_URL or
 * TEST_REDIS_URL names one; by these variables the workers find them.
 */
export default async function startTestEngines(): Promise<void> {
  const stops: (() => Promise<void>)[] = [];
  shared.stopTestEngines = async () => {
    await Promise.all(stops.map((stop) => stop()));
  };
  const outcomes = await Promise.allSettled([
    provide('TEST_DATABASE_URL', startPostgres, stops),
    provide('TEST_REDIS_URL', startRedis, stops),
  ]);
  const failures = outcomes.filter((outcome) => outcome.status === 'rejected');
  if (failures.length === 0) return;
  // After a failed setup jest calls no teardown.
  await shared.stopTestEngines();
  throw new Error(failures.map(({ reason }) => String(reason)).join('\n'));
}

async function provide(
  variable: string,
  start: () => Promise<Server>,
  stops: (() => Promise<void>)[],
): Promise<void> {
  const server = await start();
  if (!server.owned) return;
  process.env[variable] = server.url;
  stops.push(async () => {
    // In watch mode the same process sets up again.
    Reflect.deleteProperty(process.env, variable);
    await server.stop();
  });
}
