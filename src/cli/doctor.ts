import 'reflect-metadata';
import { parseArgs } from 'node:util';
import type { ProviderName } from '../common/provider-name.js';
import type { Environment } from '../config/config-namespace.js';
import { loadCommandEnvironment } from '../config/load-environment.js';
import {
  getProviderAccount,
  providersConfig,
  type ProvidersConfig,
} from '../config/providers.config.js';
import { AccountCheck, type AccountFinding } from '../providers/account-check.js';
import { withAccount } from './account-context.js';
import { describeFindings } from './doctor-report.js';
import { runCommand, UsageError, type ExitCode } from './run-command.js';

const USAGE = `Usage: npm run doctor [-- --json]

Compares the accounts of the providers that the settings name with the settings, line by line. Sends
nothing and changes nothing. Exit code: 0 without errors (there may be warnings), 1 with errors.

  --json  prints an array of { check, level, message, remedy? } (add --silent to npm run)
  --help  shows this`;

const SERVICES: Record<ProviderName, string> = {
  infobip: 'Infobip 2FA',
  sinch: 'Sinch Verification',
};

async function main(): Promise<ExitCode> {
  const { json, help } = options(process.argv.slice(2));
  if (help) {
    console.log(USAGE);
    return 0;
  }
  const findings = await examine();
  console.log(json ? JSON.stringify(findings, null, 2) : describeFindings(findings));
  return findings.some(({ level }) => level === 'error') ? 1 : 0;
}

function options(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

async function examine(): Promise<AccountFinding[]> {
  let env: Environment;
  try {
    env = loadCommandEnvironment();
  } catch (error) {
    return faultySettings(error as Error);
  }
  return withAccount(env, async (context) => [
    {
      check: 'settings',
      level: 'ok',
      message: `The settings can be used; ${whereabouts(providersConfig(env))}.`,
      remedy: undefined,
    },
    ...(await context.get(AccountCheck, { strict: false }).check()),
  ]);
}

function whereabouts(config: ProvidersConfig): string {
  return config.names
    .map(
      (provider) => `${SERVICES[provider]} is at ${getProviderAccount(provider, config).baseUrl}`,
    )
    .join(', ');
}

/** One finding a fault: the message lists them in lines of their own. */
function faultySettings({ message }: Error): AccountFinding[] {
  const faults = [...message.matchAll(/^ {2}- (.*)$/gm)].map(([, fault = '']) => fault);
  return (faults.length > 0 ? faults : [message]).map((fault) => ({
    check: 'settings',
    level: 'error',
    message: `${fault}.`,
    remedy: /^INFOBIP_(APP|MESSAGE)_ID is required/.test(fault)
      ? 'npm run infobip:setup makes what it names.'
      : 'Correct it in the environment or in .env; docs/configuration.md explains every setting.',
  }));
}

await runCommand(USAGE, main);
