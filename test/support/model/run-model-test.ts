import { seconds } from '../../../src/common/durations.js';
import type { SeededRandom } from '../seeded-random.js';
import { explainGroup } from './explain-group.js';
import type { ModelSettings } from './model-rules.js';
import { ModelState } from './model-state.js';
import { ModelWorld, type WorldOptions } from './model-world.js';
import { OperationGenerator } from './operation-generator.js';
import type { OperationRecord } from './operation.js';

/** What one seed led to. */
export interface ModelTestRun {
  readonly records: readonly OperationRecord[];
  readonly settings: ModelSettings;
  readonly codes: ReadonlyMap<string, string>;
  readonly logs: readonly string[];
  /** The first answers that the model cannot explain; empty if it explains all. */
  readonly unexplained: readonly string[];
}

/** Runs random operations of one seed until the model cannot explain an answer. */
export async function runModelTest(
  random: SeededRandom,
  options: Omit<WorldOptions, 'settings' | 'providers'>,
  operations: number,
): Promise<ModelTestRun> {
  const settings = chooseSettings(random.for('settings'));
  const providers = random.oneIn(3) ? (['infobip'] as const) : (['infobip', 'sinch'] as const);
  const world = new ModelWorld({ ...options, settings, providers });
  const generator = new OperationGenerator(random.for('operations'), { ...options, providers });
  const times = random.for('times');
  const records: OperationRecord[] = [];
  let states: readonly ModelState[] = [new ModelState()];
  let unexplained: readonly string[] = [];
  try {
    await world.start();
    while (records.length < operations && unexplained.length === 0) {
      world.clock.advance(chooseAdvance(times, settings));
      if (times.oneIn(150)) await world.rotateSecret();
      const group = await world.run(generator.nextGroup());
      records.push(...group);
      generator.learn(group, world.gateway.codes);
      const contexts = group.map((record) => ({
        record,
        settings,
        providers,
        mayBeOpen: world.mayBeOpen.bind(world),
      }));
      const explanation = explainGroup(states, contexts);
      const [first, ...others] = explanation.states;
      if (!first) unexplained = describeFailure(group, explanation.mismatches);
      else states = others.length === 0 ? [first.commit()] : explanation.states;
    }
  } finally {
    await world.close();
  }
  return { records, settings, codes: world.gateway.codes, logs: world.logs, unexplained };
}

/** Small limits, so that few operations reach them. */
function chooseSettings(random: SeededRandom): ModelSettings {
  return {
    ttlMs: seconds(random.oneOf([60, 300])),
    maxAttempts: random.between(1, 5),
    cooldownMs: seconds(random.oneOf([1, 10, 30])),
    sendsPerDay: random.between(3, 12),
    failuresPerHour: random.between(3, 8),
    failuresPerDay: random.between(6, 12),
    endUserSendsPerHour: random.between(2, 8),
    clientShare: random.oneOf([0.3, 0.5, 0.5, 1]),
  };
}

/** In milliseconds. Often none, so that requests meet the cooldown and codes do not expire. */
function chooseAdvance(random: SeededRandom, { cooldownMs, ttlMs }: ModelSettings): number {
  if (random.oneIn(15)) return seconds(random.between(3_600, 90_000));
  if (random.oneIn(25)) return random.between(1, ttlMs);
  if (random.oneIn(3)) return cooldownMs;
  return random.oneIn(2) ? random.between(0, 5_000) : 0;
}

function describeFailure(
  group: readonly OperationRecord[],
  mismatches: readonly string[],
): string[] {
  return [...group.map((record) => JSON.stringify(record)), ...mismatches];
}
