import { minutes } from '../../../src/common/durations.js';
import { SEED_OF_FILE, seedOfFile } from '../seed.js';
import { SeededRandom } from '../seeded-random.js';
import { INVARIANT_CHECKS } from './invariant-checks.js';
import { runModelTest, type ModelTestRun } from './run-model-test.js';

/** How many seeds are run on each database. */
const SEEDS = Number(process.env['SEEDS'] ?? 100);
const OPERATIONS_PER_SEED = 500;
/** While one run waits for its database or a timer, another one continues. */
const CONCURRENT_SEEDS = 4;
/** One run in this many writes a log, which is searched for secrets. */
const LOG_INTERVAL = 8;
/** With fewer seeds, a rare answer may not occur. */
const MIN_COVERING_SEEDS = 50;
/** The least share of all operations that the runs must complete. */
const MIN_COMPLETE = 0.95;
/** The time limit of all runs together. */
const RUNS_TIMEOUT_MS = minutes(30);

/** Where the service stores its data. */
export interface ModelStorage {
  readonly settings: NodeJS.ProcessEnv;
  removeData(): Promise<void>;
}

interface SeedResult {
  readonly seed: string;
  readonly run: ModelTestRun;
}

/**
 * Random operations of three clients against the service, compared with a model of it. A failure
 * prints the command that repeats its seed; requests that run at the same time may differ.
 */
export function describeModelTest(
  title: string,
  { replicas, createStorage }: { replicas: number; createStorage: () => Promise<ModelStorage> },
): void {
  const fileSeed = seedOfFile();
  // The seed of a single run consists of the file's seed and a number: only that run is repeated.
  const seeds = fileSeed.includes('/')
    ? [fileSeed]
    : Array.from({ length: SEEDS }, (_, index) => `${fileSeed}/${index}`);

  describe(title, () => {
    const results: SeedResult[] = [];

    const runSeed = async (seed: string, operations: number, isLogged: boolean) => {
      const storage = await createStorage();
      const logLevel = isLogged ? 'info' : 'silent';
      const options = { replicas, storage: storage.settings, logLevel } as const;
      const run = await runModelTest(new SeededRandom(seed), options, operations);
      await storage.removeData();
      return { seed, run };
    };

    beforeAll(async () => {
      // Loads the modules first: that would delay concurrent runs beyond their deadlines.
      await runSeed('warm-up', 20, false);
      const waiting = [...seeds.entries()];
      const runSeeds = async () => {
        for (let next = waiting.shift(); next; next = waiting.shift()) {
          const [index, seed] = next;
          results.push(await runSeed(seed, OPERATIONS_PER_SEED, index % LOG_INTERVAL === 0));
        }
      };
      await Promise.all(Array.from({ length: CONCURRENT_SEEDS }, runSeeds));
    }, RUNS_TIMEOUT_MS);

    it('gives only answers that the model allows', () => {
      const failed = results.filter(({ run }) => run.failureReport.length > 0);
      expectNone(failed, ({ run }) => run.failureReport);
    });

    it.each(Object.entries(INVARIANT_CHECKS))('keeps %s', (_invariant, check) => {
      expectNone(results, ({ run }) => check(run));
    });

    it('has a database that responds in time, so that almost every run is complete', () => {
      const operations = results.reduce((sum, { run }) => sum + run.records.length, 0);
      expect(operations).toBeGreaterThan(MIN_COMPLETE * seeds.length * OPERATIONS_PER_SEED);
    });

    it('reaches every kind of answer', () => {
      const answers = new Set(results.flatMap(({ run }) => run.records.map(describeAnswer)));
      if (seeds.length >= MIN_COVERING_SEEDS)
        expect(ANSWERS.filter((answer) => !answers.has(answer))).toEqual([]);
    });
  });
}

function expectNone(
  results: readonly SeedResult[],
  find: (result: SeedResult) => readonly string[],
): void {
  const violations = results.flatMap((result) => {
    const found = find(result);
    return found.length === 0 ? [] : [{ seed: result.seed, found }];
  });
  const [first] = violations;
  // The command that the jest environment prints then repeats only this run.
  if (first) Object.assign(globalThis, { [SEED_OF_FILE]: first.seed });
  expect(violations.slice(0, 3)).toEqual([]);
}

const describeAnswer = ({ kind, response: { status, body } }: ModelTestRun['records'][number]) =>
  [kind, status, body['code'] ?? body['reason'] ?? body['verified']].filter(Boolean).join(' ');

const ANSWERS = [
  'send 200',
  'send 409 request_in_progress',
  'send 422 destination_unreachable',
  'send 422 idempotency_key_reused',
  'send 429 cooldown_active',
  'send 429 quota_exceeded',
  'send 502 provider_error',
  'resend 200',
  'resend 404 verification_not_found',
  'resend 409 not_resendable',
  'resend 429 cooldown_active',
  'verify 200 true',
  'verify 200 already_verified',
  'verify 200 attempts_exhausted',
  'verify 200 cancelled',
  'verify 200 expired',
  'verify 200 reference_mismatch',
  'verify 200 wrong_code',
  'verify 400 validation_failed',
  'verify 404 verification_not_found',
  'verify 409 request_in_progress',
  'verify 422 idempotency_key_reused',
  'verify 429 quota_exceeded',
  'verify 502 provider_error',
  'lookup 200 true',
];
