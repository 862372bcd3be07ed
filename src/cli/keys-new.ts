import { createHash } from 'node:crypto';
import { parseArgs } from 'node:util';
import { newApiKey } from '../common/api-key.js';
import { parseApiKeys } from '../config/list-parsers.js';
import { runCommand, UsageError, type ExitCode } from './run-command.js';

const USAGE = `Usage: npm run keys:new -- NAME

Makes an API key for the client NAME and prints it, once, with its entry for API_KEYS. Only the
entry is kept: give the key to the client. To rotate, list the new entry beside the old one, and
drop the old one when the client has changed over.

  --help  shows this`;

async function main(): Promise<ExitCode> {
  const { values, positionals } = options(process.argv.slice(2));
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const [name, ...rest] = positionals;
  if (name === undefined || rest.length > 0) throw new UsageError('Give one name of a client.');
  const key = newApiKey();
  const entry = `${name}:${createHash('sha256').update(key).digest('hex')}`;
  if (!canBeRead(entry)) {
    throw new UsageError(
      'A name begins with a letter or digit, and has those, dots, hyphens and underscores; at most 64.',
    );
  }
  console.log(`Key, for the client:   ${key}\nEntry, for API_KEYS:   ${entry}`);
  return 0;
}

function options(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: { help: { type: 'boolean', default: false } },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function canBeRead(entry: string): boolean {
  try {
    return parseApiKeys(entry).length === 1;
  } catch {
    return false;
  }
}

await runCommand(USAGE, main);
