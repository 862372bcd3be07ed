import type { ProviderName } from '../common/provider-name.js';
import type { Environment } from '../config/define-config.js';
import { loadCommandEnvironment } from '../config/environment.js';
import {
  getProviderAccount,
  providersConfig,
  type ProvidersConfig,
} from '../config/providers.config.js';
import { AccountCheck, type AccountFinding } from '../providers/account-check.js';
import { defineCommand } from './command.js';
import { withProviderContext } from './provider-context.js';
import { alignColumns } from './table.js';

const SERVICES: Record<ProviderName, string> = {
  infobip: 'Infobip 2FA',
  sinch: 'Sinch Verification',
};

export const doctor = defineCommand({
  name: 'doctor',
  about: `Compares the accounts of the configured providers with the settings. Sends and changes nothing.
Exit code: 0 without errors (there may be warnings), 1 with errors.`,
  options: {
    json: { help: 'prints [{ check, level, message, remedy? }] (add --silent to npm run)' },
  },
  run: async ({ json }) => {
    const findings = await runChecks();
    console.log(json ? JSON.stringify(findings, null, 2) : formatReport(findings));
    return findings.some(({ level }) => level === 'error') ? 1 : 0;
  },
});

async function runChecks(): Promise<AccountFinding[]> {
  let env: Environment;
  try {
    env = loadCommandEnvironment();
  } catch (error) {
    return createConfigFindings(error as Error);
  }
  return withProviderContext(env, async (context) => [
    {
      check: 'settings',
      level: 'ok',
      message: `The settings can be used; ${describeHosts(providersConfig(env))}.`,
      remedy: undefined,
    },
    ...env.warnings.map((message) => createFinding('warning', message)),
    ...(await context.get(AccountCheck, { strict: false }).check()),
  ]);
}

const describeHosts = (config: ProvidersConfig): string =>
  config.names
    .map((name) => `${SERVICES[name]} is at ${getProviderAccount(name, config).baseUrl}`)
    .join(', ');

/** One finding per error: the message lists each on a line of its own. */
function createConfigFindings({ message }: Error): AccountFinding[] {
  const errors = [...message.matchAll(/^ {2}- (.*)$/gm)].map(([, error = '']) => error);
  return (errors.length > 0 ? errors : [message]).map((error) => createFinding('error', error));
}

const createFinding = (level: AccountFinding['level'], message: string): AccountFinding => ({
  check: 'settings',
  level,
  message: /[.?]$/.test(message) ? message : `${message}.`,
  remedy: /^INFOBIP_(APP|MESSAGE)_ID is required/.test(message)
    ? 'npm run infobip:setup creates both and prints their ids.'
    : 'Correct it in the environment or in .env; docs/configuration.md explains every setting.',
});

/** One line per finding, and how to fix it on the next. */
export function formatReport(findings: readonly AccountFinding[]): string {
  const rows = findings.flatMap(({ check, level, message, remedy }) => [
    [level === 'ok' ? level : level.toUpperCase(), check, message],
    ...(remedy === undefined ? [] : [['', '', `→ ${remedy}`]]),
  ]);
  return [...alignColumns(rows), '', formatSummary(findings)].join('\n');
}

function formatSummary(findings: readonly AccountFinding[]): string {
  const count = (level: AccountFinding['level']) =>
    findings.filter((one) => one.level === level).length;
  const [errors, warnings] = [count('error'), count('warning')];
  if (errors + warnings === 0) return 'No problems found.';
  return `${pluralize(errors, 'error')}, ${pluralize(warnings, 'warning')}.`;
}

const pluralize = (count: number, noun: string): string =>
  `${String(count)} ${noun}${count === 1 ? '' : 's'}`;
