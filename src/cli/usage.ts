import { hours } from '../common/durations.js';
import { loadCommandEnvironment } from '../config/environment.js';
import { storageConfig } from '../config/storage.config.js';
import { toDay } from '../storage/usage-counts.js';
import { UsageHistory } from '../storage/usage-history.js';
import { defineCommand, UsageError } from './command.js';
import { Prices } from './usage-prices.js';
import { DIMENSIONS, UsageReport, type Dimension, type Period } from './usage-report.js';
import { formatUsageReport } from './usage-table.js';

const DAY_MS = hours(24);
/** Ten years. */
const MAX_DAYS = 3_660;

export const usage = defineCommand({
  name: 'usage',
  about: `Reports the sends, verifications and blocked sends of each client, and with --prices the cost. Reads
the database at DATABASE_URL or in DATA_DIR and changes nothing. Erased verifications still count.`,
  options: {
    from: { value: 'day', help: 'first day, in UTC, such as 2026-11-01' },
    to: { value: 'day', help: 'last day, included' },
    by: {
      value: 'list',
      help: `what to group by: one or more of ${DIMENSIONS.join(',')} (default: client)`,
    },
    prices: { value: 'file', help: 'JSON file with the price of a message by country and channel' },
    json: { help: 'prints the report as JSON; use npm run --silent' },
  },
  run: async ({ from, to, by = 'client', prices: file, json }) => {
    const period = parsePeriod(from, to);
    const dimensions = parseDimensions(by);
    const prices = file === undefined ? undefined : Prices.read(file);
    const report = new UsageReport(dimensions, prices);
    await addUsageOf(period, report);
    const document = report.toDocument(period);
    console.log(json ? JSON.stringify(document, null, 2) : formatUsageReport(document));
    return 0;
  },
});

function parsePeriod(from: string | undefined, to: string | undefined): Period {
  if (from === undefined || to === undefined) throw new UsageError('Give --from and --to.');
  const days = (parseDay('to', to) - parseDay('from', from)) / DAY_MS;
  if (days < 0) throw new UsageError('--from must not be after --to.');
  if (days > MAX_DAYS) {
    throw new UsageError(`--from and --to must be at most ${String(MAX_DAYS)} days apart.`);
  }
  return { from, to };
}

function parseDay(option: string, text: string): number {
  const time = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(text) : NaN;
  // Date.parse alone would accept February 30.
  if (Number.isNaN(time) || toDay(time) !== text) {
    throw new UsageError(`--${option} must be a day, such as 2026-11-30.`);
  }
  return time;
}

function parseDimensions(list: string): Dimension[] {
  const names = list.split(',').map((name) => name.trim());
  const isDimension = (name: string): name is Dimension =>
    (DIMENSIONS as readonly string[]).includes(name);
  const dimensions = names.filter(isDimension);
  if (dimensions.length < names.length || new Set(names).size < names.length) {
    throw new UsageError(`--by must name some of ${DIMENSIONS.join(',')}, each once.`);
  }
  return dimensions;
}

/** Adds the usage of a period to the report, day by day: only one day is held in memory. */
async function addUsageOf({ from, to }: Period, report: UsageReport): Promise<void> {
  const history = await UsageHistory.open(storageConfig(loadCommandEnvironment()));
  try {
    for (let time = Date.parse(from); time <= Date.parse(to); time += DAY_MS) {
      for (const entry of await history.readDay(toDay(time))) report.add(entry);
    }
  } catch (error) {
    const { message, cause } = error as Error;
    const reason = cause instanceof Error ? cause.message : message;
    throw new Error(
      `The usage cannot be read: ${reason}. If the database took too long, try again when it is less busy, or set DATABASE_URL to a standby. If an earlier release wrote this database, migrate it: start the service of this release first.`,
      { cause: error },
    );
  } finally {
    await history.close();
  }
}
