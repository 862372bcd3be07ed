import { createHash } from 'node:crypto';
import { createApiKey } from '../common/api-key.js';
import { isClientName } from '../config/api-keys.js';
import { defineCommand, UsageError } from './command.js';
import { alignColumns } from './table.js';

export const keysNew = defineCommand({
  name: 'keys:new',
  operands: 'NAME',
  about: `Makes an API key for the client NAME. Prints the key, its entry for API_KEYS and its hash for
CLIENTS_FILE, and stores none of them. Give the key to the client, and add the entry or the hash to
your configuration. To rotate, keep the old entry or hash until the client uses the new key.`,
  options: {},
  run: async (_options, [name, ...rest]) => {
    if (name === undefined || rest.length > 0) throw new UsageError('Give one name of a client.');
    if (!isClientName(name)) {
      throw new UsageError(
        'A name begins with a letter or digit, and has at most 64 letters, digits, dots, hyphens and underscores.',
      );
    }
    const key = createApiKey();
    const hash = createHash('sha256').update(key).digest('hex');
    const lines = [
      ['Key, for the client:', key],
      ['Entry, for API_KEYS:', `${name}:${hash}`],
      ['Hash, for CLIENTS_FILE:', hash],
    ];
    console.log(alignColumns(lines).join('\n'));
    return 0;
  },
});
