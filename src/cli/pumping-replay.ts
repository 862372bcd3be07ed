import type { BudgetScope } from '../common/label-values.js';
import { loadCommandEnvironment } from '../config/environment.js';
import { otpConfig } from '../config/otp.config.js';
import { pumpingConfig, type PumpingConfig } from '../config/pumping.config.js';
import { storageConfig } from '../config/storage.config.js';
import { PumpingSimulation, type BlockedCount } from '../destinations/pumping-simulation.js';
import { VerificationHistory } from '../storage/verification-history.js';
import { defineCommand, UsageError } from './command.js';
import { alignColumns } from './table.js';

const HEAD = ['client', 'country', 'budget', 'blocked', 'of these verified'];
const COUNT_COLUMNS = [3, 4];

const BUDGET_NAMES: Readonly<Record<BudgetScope, string>> = {
  client_prefix: 'own prefix',
  client_country: 'own country',
  prefix: 'shared prefix',
  country: 'shared country',
};

const CAVEAT = [
  'The service itself may block fewer: it also trusts the numbers verified before the first record,',
  'and messages verified in the two weeks before that record raise its budgets.',
];

export const pumpingReplay = defineCommand({
  name: 'pumping:replay',
  about: `Replays the recorded verifications with other settings of the fraud protection. Prints how many
would be blocked, by client, country and budget. Reads the database at DATABASE_URL or in DATA_DIR and
changes nothing. An option that is absent has the value of the service's setting.`,
  options: {
    'floor-per-hour': {
      value: 'count',
      help: 'unverified messages allowed per hour to a country or prefix; verified messages allow more',
    },
    'floor-per-day': { value: 'count', help: 'the same, per day' },
    ratio: {
      value: 'number',
      help: 'unverified messages allowed beyond the floor for each verified message',
    },
  },
  run: async (options) => {
    const env = loadCommandEnvironment();
    const defaults = pumpingConfig(env);
    const settings: PumpingConfig = {
      mode: 'enforce',
      floorPerHour: toNumber('floor-per-hour', options['floor-per-hour']) ?? defaults.floorPerHour,
      floorPerDay: toNumber('floor-per-day', options['floor-per-day']) ?? defaults.floorPerDay,
      unverifiedRatio: toNumber('ratio', options.ratio) ?? defaults.unverifiedRatio,
    };
    const simulation = new PumpingSimulation(settings, otpConfig(env).ttlMs);
    const history = await VerificationHistory.open(storageConfig(env));
    try {
      for await (const record of history.list()) simulation.addRecord(record);
    } catch (error) {
      const { message, cause } = error as Error;
      const reason = cause instanceof Error ? cause.message : message;
      throw new Error(`The records cannot be read: ${reason}.`, { cause: error });
    } finally {
      await history.close();
    }
    console.log(formatReplay(settings, simulation.total, simulation.listBlockedCounts()));
    return 0;
  },
});

function toNumber(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const [format, description] =
    option === 'ratio'
      ? [/^\d+(\.\d+)?$/, 'a number, such as 0.8']
      : [/^\d+$/, 'a whole number, such as 10'];
  if (!format.test(text)) throw new UsageError(`--${option} must be ${description}`);
  return Number(text);
}

/** The settings, a table of what they would have blocked, and why the service may block fewer. */
function formatReplay(
  { floorPerHour, floorPerDay, unverifiedRatio }: PumpingConfig,
  total: number,
  counts: readonly BlockedCount[],
): string {
  const settings =
    `floors of ${String(floorPerHour)} unverified messages an hour and ${String(floorPerDay)} a day, ` +
    `and a ratio of ${String(unverifiedRatio)}`;
  const head = `Of ${formatCount(total)} verifications, with ${settings}:`;
  if (counts.length === 0) return `${head} none would have been blocked.`;
  const rows = counts.map(({ client, country, scope, window, blocked, verified }) => [
    client,
    country,
    `${BUDGET_NAMES[scope]}, ${window}`,
    formatCount(blocked),
    formatCount(verified),
  ]);
  return [head, '', ...alignColumns([HEAD, ...rows], COUNT_COLUMNS), '', ...CAVEAT].join('\n');
}

const formatCount = (count: number): string => count.toLocaleString('en-US');
