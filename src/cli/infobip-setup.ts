import 'reflect-metadata';
import { createInterface } from 'node:readline/promises';
import { loadSetupEnvironment } from '../config/load-environment.js';
import { getProviderAccount, providersConfig } from '../config/providers.config.js';
import { AccountSetup } from '../providers/account-setup.js';
import { withAccount } from './account-context.js';
import { envLines, writeEnvFile } from './env-file.js';
import { runCommand, type ExitCode } from './run-command.js';
import { SETUP_USAGE, setupOptions } from './setup-options.js';
import { describeChanges, describeMessage } from './setup-report.js';

const ENV_FILE = '.env';

async function main(): Promise<ExitCode> {
  const options = setupOptions(process.argv.slice(2));
  if (options.help) {
    console.log(SETUP_USAGE);
    return 0;
  }
  const { env, applicationId, messageId } = loadSetupEnvironment();
  return withAccount(env, async (context) => {
    const plan = await context.get(AccountSetup, { strict: false }).plan({
      applicationId,
      messageId,
      name: options.name,
      text: options.text,
      sender: options.sender,
      language: options.language,
      webOtpHost: options['webotp-host'],
    });
    console.log(`Infobip 2FA at ${getProviderAccount('infobip', providersConfig(env)).baseUrl}\n`);
    console.log(`${describeChanges(plan.changes)}\n\n${describeMessage(plan)}\n`);
    if (options['dry-run']) {
      console.log('Dry run: nothing was changed.');
      return 0;
    }
    if (plan.changes.length > 0 && !options.yes && !(await agreed())) return 1;
    tell(await plan.apply(), options.write);
    return 0;
  });
}

/** Asks whoever is there; where nobody is, nothing is taken for granted. */
async function agreed(): Promise<boolean> {
  if (!process.stdin.isTTY) {
    console.error('Nothing was changed. To change it where nobody can be asked, say --yes.');
    return false;
  }
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question('Change this? [y/N] ');
  terminal.close();
  const agrees = /^y(es)?$/i.test(answer.trim());
  if (!agrees) console.error('Nothing was changed.');
  return agrees;
}

function tell(settings: Readonly<Record<string, string>>, write: boolean): void {
  const lines = envLines(settings).join('\n');
  if (write) writeEnvFile(ENV_FILE, settings);
  console.log(`${write ? `Written to ${ENV_FILE}:` : `For ${ENV_FILE}:`}\n\n${lines}`);
}

await runCommand(SETUP_USAGE, main);
