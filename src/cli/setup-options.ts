import { parseArgs } from 'node:util';
import { UsageError } from './run-command.js';

export const SETUP_USAGE = `Usage: npm run infobip:setup -- [options]

Creates or updates the 2FA application and the message template at INFOBIP_BASE_URL with safe
values, after showing what will change. It mends what INFOBIP_APP_ID and INFOBIP_MESSAGE_ID name;
without them, it finds the application by its name.

  --name <name>         another application than the configured one (default: OTP service)
  --text <text>         the message; it must contain {{pin}}
  --sender <sender>     who the text is from
  --language <code>     of calls: en, es, de, fr, …
  --webotp-host <host>  ends the text in the line that lets pages of this host fill in the code
  --dry-run             shows what would change, and changes nothing
  --yes                 changes without asking; needed where nobody can be asked
  --write               writes the ids into .env of the working folder instead of printing them
  --help                shows this`;

/**
 * Reads the command line of the set-up.
 * @throws UsageError
 */
export function setupOptions(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        name: { type: 'string' },
        text: { type: 'string' },
        sender: { type: 'string' },
        language: { type: 'string' },
        'webotp-host': { type: 'string' },
        'dry-run': { type: 'boolean', default: false },
        yes: { type: 'boolean', default: false },
        write: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    return values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
