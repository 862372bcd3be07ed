import { PROVIDER_NAMES } from '../common/provider-name.js';
import { loadSetupEnvironment } from '../config/environment.js';
import { getProviderAccount, providersConfig } from '../config/providers.config.js';
import { AccountSetup, type SetupChange, type SetupPlan } from '../providers/account-setup.js';
import { SMS_CAPACITY, getSmsSize } from '../providers/sms-size.js';
import { askQuestion } from './ask-question.js';
import { defineCommand } from './command.js';
import { toEnvLines, writeEnvFile } from './env-file.js';
import { withProviderContext } from './provider-context.js';
import { alignColumns } from './table.js';

const ENV_FILE = '.env';

export const infobipSetup = defineCommand({
  name: 'infobip:setup',
  about: `Creates or updates the 2FA application and the message template at INFOBIP_BASE_URL, after
showing the changes. The application's limits are derived from the settings. Selects the application
by --name; without --name by INFOBIP_APP_ID or, if that does not exist, by the name "OTP service".
Selects its template by INFOBIP_MESSAGE_ID; if that does not exist, the one with the text in --text, or
its only template.`,
  options: {
    name: {
      value: 'name',
      help: 'updates the application of this name, or creates it, instead of INFOBIP_APP_ID',
    },
    text: { value: 'text', help: 'text of the message; it must contain {{pin}}' },
    locale: {
      value: 'tag',
      help: 'sets up the message of another language (de, pt-BR, …), for INFOBIP_MESSAGE_IDS',
    },
    sender: { value: 'sender', help: 'sender of the message' },
    language: { value: 'code', help: 'language of calls: en, es, de, fr, …' },
    'webotp-host': {
      value: 'host',
      help: 'adds a line that lets browsers fill in the code on pages of this host',
    },
    'dry-run': { help: 'shows the changes, and makes none' },
    yes: { help: 'does not ask before it makes the changes; required if stdin is not a terminal' },
    write: {
      help: 'writes base URL and ids of application and template into .env of the working folder',
    },
  },
  run: async (options) => {
    const { env, applicationId, templateId } = loadSetupEnvironment();
    // The set-up is for Infobip only, but a client may have any provider.
    const clientsEnv = { ...env, values: { ...env.values, PROVIDERS: PROVIDER_NAMES } };
    return withProviderContext({ env, clientsEnv }, async (context) => {
      const plan = await context.get(AccountSetup, { strict: false }).plan({
        applicationId,
        templateId,
        applicationName: options.name,
        locale: options.locale,
        text: options.text,
        sender: options.sender,
        language: options.language,
        webOtpHost: options['webotp-host'],
      });
      const { baseUrl } = getProviderAccount('infobip', providersConfig(env));
      console.log(`Infobip 2FA at ${baseUrl}\n`);
      console.log(`${formatChanges(plan.changes)}\n\n${formatMessage(plan)}\n`);
      if (options['dry-run']) {
        console.log('Dry run: nothing was changed.');
        return 0;
      }
      if (plan.changes.length > 0 && !options.yes && !(await askToConfirm())) return 1;
      const settings = await plan.apply();
      if (options.write) writeEnvFile(ENV_FILE, settings);
      const title = options.write ? `Written to ${ENV_FILE}:` : `For ${ENV_FILE}:`;
      console.log(`${title}\n\n${toEnvLines(settings).join('\n')}`);
      return 0;
    });
  },
});

async function askToConfirm(): Promise<boolean> {
  if (!process.stdin.isTTY) {
    console.error('No changes made: stdin is not a terminal. Run again with --yes.');
    return false;
  }
  const answer = await askQuestion('Change this? [y/N] ', process.stdout);
  const confirmed = /^y(es)?$/i.test(answer.trim());
  if (!confirmed) console.error('No changes made.');
  return confirmed;
}

/** A table for each resource (application, template) with its changed fields. */
function formatChanges(changes: readonly SetupChange[]): string {
  if (changes.length === 0) return 'Nothing to change.';
  const resources = [...new Set(changes.map(({ resource }) => resource))];
  return resources
    .map((resource) => {
      const rows = changes
        .filter((change) => change.resource === resource)
        .map(({ field, current = '–', desired }) => [`  ${field}`, current, desired]);
      return [resource, ...alignColumns([['  field', 'now', 'then'], ...rows])].join('\n');
    })
    .join('\n\n');
}

/** The message as a phone shows it, and its size in segments. */
function formatMessage({ text, sample }: SetupPlan): string {
  const { encoding, units, segments } = getSmsSize(sample);
  const { single, segment } = SMS_CAPACITY[encoding];
  const size =
    segments === 1
      ? `of ${String(single)}: 1 segment.`
      : `in segments of ${String(segment)}: ${String(segments)} segments, each billed.`;
  const lines = [
    'The message, with a sample code:',
    ...sample.split('\n').map((line) => `  | ${line}`),
    `${encoding}, ${String(units)} characters ${size}`,
  ];
  if (encoding === 'UCS-2') {
    const nonGsm = [...new Set(sample)].filter((char) => getSmsSize(char).encoding === 'UCS-2');
    lines.push(
      `Characters outside GSM-7 reduce one SMS from 160 to 70 characters: ${nonGsm.join(' ')}`,
    );
  }
  if (!/\n@\S+ #\{\{pin\}\}$/.test(text)) {
    lines.push(
      'With --webotp-host example.com, browsers can fill in the code on pages of that host (WebOTP).',
    );
  }
  return lines.join('\n');
}
