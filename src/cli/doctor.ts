import { ClientsFileError } from '../clients/clients-file.error.js';
import { parseClientsFile } from '../clients/parse-clients-file.js';
import { readClientsFile } from '../clients/read-clients-file.js';
import { explainInvalidPhoneNumber } from '../common/phone-number-input.js';
import { PhoneNumber } from '../common/phone-number.js';
import { authConfig } from '../config/auth.config.js';
import type { Environment } from '../config/define-config.js';
import { loadCommandEnvironment } from '../config/environment.js';
import {
  getProviderAccount,
  providersConfig,
  type ProvidersConfig,
} from '../config/providers.config.js';
import {
  AccountCheck,
  errorFinding,
  okFinding,
  warningFinding,
  type AccountFinding,
} from '../providers/account-check.js';
import { defineCommand, UsageError } from './command.js';
import { PRODUCT_NAMES } from './failed-calls.js';
import { withProviderContext } from './provider-context.js';
import { checkSend } from './send-check.js';
import { alignColumns } from './table.js';

const NOT_CHECKED = 'Database and Redis were not checked.';
const NOT_SENT = warningFinding('send', 'No message was sent, because of the errors above.');

export const doctor = defineCommand({
  name: 'doctor',
  about: `Compares the accounts of the configured providers with the settings. Changes nothing, and sends a
message only with --send.
Exit code: 0 without errors (there may be warnings), 1 with errors.`,
  options: {
    send: {
      value: 'number',
      help: 'after the checks, sends a code to this phone and verifies what you enter; costs one message',
    },
    json: {
      help: 'prints the findings as JSON, [{ check, level, message, remedy? }]; use npm run --silent',
    },
  },
  run: async ({ send, json }) => {
    const findings = await runChecks(send === undefined ? undefined : parseNumber(send));
    console.log(
      json ? JSON.stringify(findings, null, 2) : `${formatReport(findings)}\n${NOT_CHECKED}`,
    );
    return findings.some(({ level }) => level === 'error') ? 1 : 0;
  },
});

function parseNumber(text: string): PhoneNumber {
  const number = PhoneNumber.parse(text);
  if (!number) throw new UsageError(`--send: ${explainInvalidPhoneNumber(text)}`);
  return number;
}

/** @param number the phone that gets a code if no check finds an error; without it, none is sent */
async function runChecks(number?: PhoneNumber): Promise<AccountFinding[]> {
  let env: Environment;
  try {
    env = loadCommandEnvironment({ checksSecretFile: true });
  } catch (error) {
    return createSettingsErrorFindings(error as Error);
  }
  const clientsFindings = await checkClientsFile(env);
  if (clientsFindings.some(({ level }) => level === 'error')) return clientsFindings;
  return withProviderContext({ env }, async (context) => {
    const findings = [
      okFinding('settings', `The settings can be used; ${describeHosts(providersConfig(env))}.`),
      ...clientsFindings,
      ...env.warnings.map((message) => createSettingsFinding('warning', message)),
      ...(await context.get(AccountCheck, { strict: false }).check()),
    ];
    if (!number) return findings;
    return findings.some(({ level }) => level === 'error')
      ? [...findings, NOT_SENT]
      : [...findings, ...(await checkSend(context, number))];
  });
}

/** Reads the file as the service does at its start. */
async function checkClientsFile(env: Environment): Promise<AccountFinding[]> {
  const { clientsFile } = authConfig(env);
  if (clientsFile === undefined) return [];
  try {
    const { clients } = parseClientsFile(await readClientsFile(clientsFile), env);
    const count = pluralize(clients.length, 'client');
    return [okFinding('clients file', `The file CLIENTS_FILE can be used; it has ${count}.`)];
  } catch (error) {
    if (!(error instanceof ClientsFileError)) throw error;
    const remedy = 'Correct the file; docs/clients.md explains every field.';
    return error.errors.map((message) => errorFinding('clients file', `${message}.`, remedy));
  }
}

const describeHosts = (config: ProvidersConfig): string =>
  config.names
    .map((name) => `${PRODUCT_NAMES[name]} is at ${getProviderAccount(name, config).baseUrl}`)
    .join(', ');

/** One finding for each error that the message lists, or for the whole message if it has no list. */
function createSettingsErrorFindings({ message }: Error): AccountFinding[] {
  const errors = [...message.matchAll(/^ {2}- (.*)$/gm)].map(([, error = '']) => error);
  return (errors.length > 0 ? errors : [message]).map((error) =>
    createSettingsFinding('error', error),
  );
}

const createSettingsFinding = (
  level: AccountFinding['level'],
  message: string,
): AccountFinding => ({
  check: 'settings',
  level,
  message: /[.?]$/.test(message) ? message : `${message}.`,
  remedy: /^INFOBIP_(APP|MESSAGE)_ID is required/.test(message)
    ? 'npm run infobip:setup creates application and template, and prints their ids.'
    : 'Correct it in the environment or in .env; docs/configuration.md explains every setting.',
});

/** One line per finding; its remedy, if any, follows on the next line. */
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
