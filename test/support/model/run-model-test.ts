import { seconds } from '../../../src/common/durations.js';
import type { SeededRandom } from '../seeded-random.js';
import { explainGroup } from './explain-group.js';
import type { ModelSettings } from './model-rules.js';
import { ModelState } from './model-state.js';
import { ModelWorld, PROVIDER_TIMEOUT_MS, type WorldOptions } from './model-world.js';
import { OperationGenerator } from './operation-generator.js';
import type { OperationRecord } from './operation.js';

/** Everything that was observed in the run of one seed. */
export interface ModelTestRun {
  readonly records: readonly OperationRecord[];
  readonly settings: ModelSettings;
  /** The code of each message, by provider PIN id. */
  readonly codes: ReadonlyMap<string, string>;
  readonly logs: readonly string[];
  /** See {@link describeFailure}; empty if the model explains all answers. */
  readonly failureReport: readonly string[];
}

/** Runs random operations of one seed until the model cannot explain an answer. */
export async function runModelTest(
  random: SeededRandom,
  options: Pick<WorldOptions, 'replicas' | 'storage' | 'logLevel'>,
  operations: number,
): Promise<ModelTestRun> {
  const providers = random.oneIn(3) ? (['infobip'] as const) : (['infobip', 'sinch'] as const);
  const settings = chooseSettings(random.for('settings'), providers.length);
  const infobipAcceptsCodesAgain = random.oneIn(2);
  const world = new ModelWorld({ ...options, settings, providers, infobipAcceptsCodesAgain });
  const generator = new OperationGenerator(random.for('operations'), { ...options, providers });
  const times = random.for('times');
  const records: OperationRecord[] = [];
  let states: readonly ModelState[] = [new ModelState()];
  let failureReport: readonly string[] = [];
  try {
    await world.start();
    while (records.length < operations && failureReport.length === 0) {
      world.clock.advance(chooseAdvance(times, settings));
      if (times.oneIn(150)) await world.rotateSecret();
      const group = await world.run(generator.nextGroup());
      // On a busy machine a statement may time out, and its effect is then unknown.
      if (group.some(isWithoutStorage)) break;
      records.push(...group);
      generator.learn(group, world.gateway.codes);
      const contexts = group.map((record) => ({
        record,
        settings,
        providers,
        mayCircuitBeOpen: world.mayCircuitBeOpen.bind(world),
      }));
      const explanation = await explainGroup(states, contexts);
      const [first, ...others] = explanation.states;
      if (!first) failureReport = describeFailure(records, group, explanation.mismatches);
      // If only one state is possible, its changes are final.
      else states = others.length === 0 ? [first.commit()] : explanation.states;
    }
  } finally {
    await world.close();
  }
  return { records, settings, codes: world.gateway.codes, logs: world.logs, failureReport };
}

const isWithoutStorage = ({ response }: OperationRecord): boolean =>
  response.body['code'] === 'storage_unavailable';

/** Chooses limits so small that a few operations reach them. */
function chooseSettings(random: SeededRandom, providers: number): ModelSettings {
  return {
    ttlMs: seconds(random.oneOf([60, 300])),
    maxAttempts: random.between(1, 5),
    cooldownMs: seconds(random.oneOf([1, 10, 30])),
    sendsPerDay: random.between(3, 12),
    failuresPerHour: random.between(2, 5),
    failuresPerDay: random.between(4, 8),
    endUserSendsPerHour: random.between(2, 8),
    clientSharePerNumber: random.oneOf([0.3, 0.5, 0.5, 1]),
    maxRequestMs: (providers + 1) * PROVIDER_TIMEOUT_MS + seconds(5),
  };
}

/**
 * By how many milliseconds the clock moves before the next operations. Often by none, so that requests
 * meet the cooldown and codes do not expire.
 */
function chooseAdvance(random: SeededRandom, { cooldownMs, ttlMs }: ModelSettings): number {
  if (random.oneIn(15)) return seconds(random.between(3_600, 90_000));
  if (random.oneIn(25)) return random.between(1, ttlMs);
  if (random.oneIn(3)) return cooldownMs;
  return random.oneIn(2) ? random.between(0, 5_000) : 0;
}

/** How many operations before a failure the report shows. */
const SHOWN_OPERATIONS = 12;

/** Lists earlier operations on the group's numbers, the group, and why no order explains it. */
function describeFailure(
  records: readonly OperationRecord[],
  group: readonly OperationRecord[],
  mismatches: readonly string[],
): string[] {
  const byId = new Map(records.map((record) => [record.id, record]));
  const numberOf = ({ phoneNumber, target = '' }: OperationRecord) =>
    phoneNumber ?? byId.get(target)?.phoneNumber;
  const numbers = group.map(numberOf);
  const related = records
    .slice(0, -group.length)
    .filter((record) => numbers.includes(numberOf(record)));
  return [
    ...related.slice(-SHOWN_OPERATIONS).map(describeOperation),
    ...group.map((record) => JSON.stringify(record)),
    ...mismatches,
  ];
}

function describeOperation({ response, calls, ...record }: OperationRecord): string {
  const { startedAt, id, replica, kind, client, phoneNumber, target, code, key } = record;
  const request = [startedAt, id, replica, kind, client, phoneNumber ?? target, code, key];
  const { code: problem, reason, verified, pinId } = response.body;
  const answer = [response.status, problem ?? reason ?? verified ?? pinId];
  const called = calls.map(({ provider, operation, fault, received }) =>
    [provider, operation, fault, JSON.stringify(received?.body)].join(' '),
  );
  return [request.join(' '), answer.join(' '), ...called].join(' → ');
}
