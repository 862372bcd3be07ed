import 'reflect-metadata';
import { parseArgs } from 'node:util';
import { loadCommandEnvironment } from '../config/load-environment.js';
import { otpConfig } from '../config/otp.config.js';
import { pumpingConfig, type PumpingConfig } from '../config/pumping.config.js';
import { storageConfig } from '../config/storage.config.js';
import { PumpingSimulation } from '../destinations/pumping-simulation.js';
import { VerificationHistory } from '../storage/verification-history.js';
import { describeReplay } from './replay-report.js';
import { runCommand, UsageError, type ExitCode } from './run-command.js';

const USAGE = `Usage: npm run pumping:replay -- [options]

Lives through the recorded verifications with these settings of the pumping guard and prints what
it would have refused, by country and budget. Only reads the records, at DATABASE_URL or in
DATA_DIR; the settings that are not given here are the service's own.

  --floor-per-hour <count>  unverified texts that are always allowed in an hour
  --floor-per-day <count>   the same in a day
  --ratio <number>          beyond the floor, unverified texts for each verified one
  --help                    shows this`;

async function main(): Promise<ExitCode> {
  const values = options(process.argv.slice(2));
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const env = loadCommandEnvironment();
  const configured = pumpingConfig(env);
  const settings: PumpingConfig = {
    mode: 'enforce',
    floorPerHour: number(values, 'floor-per-hour') ?? configured.floorPerHour,
    floorPerDay: number(values, 'floor-per-day') ?? configured.floorPerDay,
    unverifiedRatio: number(values, 'ratio') ?? configured.unverifiedRatio,
  };
  const replay = new PumpingSimulation(settings, otpConfig(env).ttlMs);
  const history = await VerificationHistory.open(storageConfig(env));
  try {
    for await (const text of history.texts()) replay.add(text);
  } catch (error) {
    const { message, cause } = error as Error;
    const reason = cause instanceof Error ? cause.message : message;
    throw new Error(`The records cannot be read: ${reason}.`, { cause: error });
  } finally {
    await history.close();
  }
  console.log(describeReplay(settings, replay.total, replay.report()));
  return 0;
}

function options(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        'floor-per-hour': { type: 'string' },
        'floor-per-day': { type: 'string' },
        ratio: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

type Numeric = 'floor-per-hour' | 'floor-per-day' | 'ratio';

function number(values: Partial<Record<Numeric, string>>, name: Numeric): number | undefined {
  const text = values[name];
  if (text === undefined) return undefined;
  const shape = name === 'ratio' ? /^\d+(\.\d+)?$/ : /^\d+$/;
  if (!shape.test(text)) throw new UsageError(`--${name} must be a number, such as 10`);
  return Number(text);
}

await runCommand(USAGE, main);
