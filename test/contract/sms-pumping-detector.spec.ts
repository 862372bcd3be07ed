import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { minutes } from '../../src/common/durations.js';
import { readClientRules } from '../../src/clients/client-rules.js';
import { EventBus } from '../../src/common/events.js';
import { SmsPumpingDetector } from '../../src/destinations/sms-pumping-detector.js';
import { testEnvironment } from '../support/config.js';
import { SeededRandom } from '../support/seeded-random.js';
import { FakeClock } from '../support/fake-clock.js';
import { TrafficSimulation, type SimulationResult } from '../support/pumping/traffic-simulation.js';
import { renderResultRows } from '../support/pumping/result-table.js';
import {
  ATTACKS,
  HEALTHY,
  SHARED_COUNTRY,
  type TrafficCase,
} from '../support/pumping/traffic-cases.js';
import { openStore } from '../support/store.js';

/** The seed of the table in docs/fraud-protection.md. The limits must hold with other seeds too. */
const DOCUMENTED_SEED = 'pumping';
const SEED = process.env['SEED'] ?? DOCUMENTED_SEED;
/** In memory if possible, as thousands of commits to a disk are slow. */
const DATA_ROOT = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

jest.setTimeout(minutes(5));

describe(`SmsPumpingDetector with its default settings (SEED=${SEED})`, () => {
  const detector = new SmsPumpingDetector(new EventBus());
  const evaluate = detector.getEvaluator(readClientRules(testEnvironment()));
  const outcomes = new Map<string, SimulationResult>();

  async function simulate({ name, createTraffic }: TrafficCase): Promise<SimulationResult> {
    const dataDir = mkdtempSync(join(DATA_ROOT, 'otp-pumping-'));
    const clock = new FakeClock();
    const opened = await openStore(clock, { DATA_DIR: dataDir });
    const random = new SeededRandom(`${SEED} ${name}`);
    const outcome = await new TrafficSimulation(opened.store, evaluate, clock).run(
      createTraffic(random, clock.now()),
    );
    await opened.close();
    rmSync(dataDir, { recursive: true });
    outcomes.set(name, outcome);
    return outcome;
  }

  it.each(HEALTHY)('blocks no end user in the traffic: $name', async (traffic) => {
    const { person } = await simulate(traffic);

    expect(person.requested).toBeGreaterThan(500);
    expect(person.blocked).toBe(0);
  });

  it.each(ATTACKS)('allows at most $maxDelivered messages of the attack: $name', async (attack) => {
    const { bot } = await simulate(attack);

    expect(bot.requested).toBeGreaterThan(attack.maxDelivered);
    expect(bot.requested - bot.blocked).toBeLessThanOrEqual(attack.maxDelivered);
  });

  it.each(SHARED_COUNTRY)(
    'blocks no end user of the shop in the traffic: $name',
    async (attack) => {
      const { person, bot } = await simulate(attack);

      expect(person.requested).toBeGreaterThan(400);
      expect(person.blocked).toBe(0);
      expect(bot.requested - bot.blocked).toBeLessThanOrEqual(attack.maxDelivered);
    },
  );

  it('has the results in docs/fraud-protection.md', () => {
    if (SEED !== DOCUMENTED_SEED) return;
    const page = readFileSync('docs/fraud-protection.md', 'utf8').replace(/ +/g, ' ');

    expect(page).toContain(renderResultRows(outcomes));
  });
});
