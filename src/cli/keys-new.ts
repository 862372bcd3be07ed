import { createHash } from 'node:crypto';
import { createApiKey } from '../common/api-key.js';
import { parseApiKeys } from '../config/list-parsers.js';
import { defineCommand, UsageError } from './command.js';
import { alignColumns } from './table.js';

export const keysNew = defineCommand({
  name: 'keys:new',
  operands: 'NAME',
  about: `Makes an API key for the client NAME and prints it, once, with its entry for API_KEYS and its hash
for CLIENTS_FILE. Only one of these is kept: give the key to the client. To rotate, list the new one
beside the old one, and remove the old one when the client uses the new key.`,
  options: {},
  run: async (_options, [name, ...rest]) => {
    if (name === undefined || rest.length > 0) throw new UsageError('Give one name of a client.');
    const key = createApiKey();
    const hash = createHash('sha256').update(key).digest('hex');
    const entry = `${name}:${hash}`;
    if (!isValidEntry(entry)) {
      throw new UsageError(
        'A name begins with a letter or digit, and has those, dots, hyphens and underscores; at most 64.',
      );
    }
    const lines = [
      ['Key, for the client:', key],
      ['Entry, for API_KEYS:', entry],
      ['Hash, for CLIENTS_FILE:', hash],
    ];
    console.log(alignColumns(lines).join('\n'));
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
