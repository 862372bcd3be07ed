import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { minutes } from '../../src/common/durations.js';
import { EventBus } from '../../src/common/events.js';
import { pumpingConfig } from '../../src/config/pumping.config.js';
import { SmsPumpingDetector } from '../../src/destinations/sms-pumping-detector.js';
import { testEnvironment } from '../support/config.js';
import { Random } from '../support/crash/random.js';
import { FakeClock } from '../support/fake-clock.js';
import { Simulation, type Outcome } from '../support/pumping/simulation.js';
import { describeOutcomes } from '../support/pumping/table.js';
import { ATTACKS, HEALTHY, type TrafficCase } from '../support/pumping/traffics.js';
import { openStore } from '../support/store.js';

/** The seed of the table in docs/fraud-protection.md. The limits must hold with other seeds too. */
const DOCUMENTED_SEED = 'pumping';
const SEED = process.env['SEED'] ?? DOCUMENTED_SEED;
/** In memory if possible, as thousands of commits to a disk are slow. */
const DATA_ROOT = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

jest.setTimeout(minutes(5));

describe(`SmsPumpingDetector with its default settings (SEED=${SEED})`, () => {
  const detector = new SmsPumpingDetector(pumpingConfig(testEnvironment()), new EventBus());
  const outcomes = new Map<string, Outcome>();

  async function simulate({ name, visits }: TrafficCase): Promise<Outcome> {
    const dataDir = mkdtempSync(join(DATA_ROOT, 'otp-pumping-'));
    const clock = new FakeClock();
    const opened = await openStore(clock, { DATA_DIR: dataDir });
    const random = new Random(`${SEED} ${name}`);
    const outcome = await new Simulation(opened.store, detector.evaluate, clock).run(
      visits(random, clock.now()),
    );
    await opened.close();
    rmSync(dataDir, { recursive: true });
    outcomes.set(name, outcome);
    return outcome;
  }

  it.each(HEALTHY)('blocks no end user among $name', async (traffic) => {
    const { person } = await simulate(traffic);

    expect(person.asked).toBeGreaterThan(500);
    expect(person.refused).toBe(0);
  });

  it.each(ATTACKS)('allows at most $most messages of $name', async (attack) => {
    const { bot } = await simulate(attack);

    expect(bot.asked).toBeGreaterThan(attack.most);
    expect(bot.asked - bot.refused).toBeLessThanOrEqual(attack.most);
  });

  it('has the results in docs/fraud-protection.md', () => {
    if (SEED !== DOCUMENTED_SEED) return;
    const page = readFileSync('docs/fraud-protection.md', 'utf8').replace(/ +/g, ' ');

    expect(page).toContain(describeOutcomes(outcomes));
  });
});
