import { createHash } from 'node:crypto';
import { createApiKey } from '../common/api-key.js';
import { parseApiKeys } from '../config/list-parsers.js';
import { defineCommand, UsageError } from './command.js';

export const keysNew = defineCommand({
  name: 'keys:new',
  operands: 'NAME',
  about: `Makes an API key for the client NAME and prints it, once, with its entry for API_KEYS. Only the
entry is kept: give the key to the client. To rotate, list the new entry beside the old one, and
remove the old one when the client uses the new key.`,
  options: {},
  run: async (_options, [name, ...rest]) => {
    if (name === undefined || rest.length > 0) throw new UsageError('Give one name of a client.');
    const key = createApiKey();
    const entry = `${name}:${createHash('sha256').update(key).digest('hex')}`;
    if (!isValidEntry(entry)) {
      throw new UsageError(
        'A name begins with a letter or digit, and has those, dots, hyphens and underscores; at most 64.',
      );
    }
    console.log(`Key, for the client:   ${key}\nEntry, for API_KEYS:   ${entry}`);
    return 0;
  },
});

function isValidEntry(entry: string): boolean {
  try {
    return parseApiKeys(entry).length === 1;
  } catch {
    return false;
  }
}
