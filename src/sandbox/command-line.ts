import { readFileSync } from 'node:fs';

const HELP = `Usage: infobip-sandbox [--help | --version]

Simulates Infobip 2FA and Sinch Verification until it is stopped.

Environment variables, or lines of .env in the working directory:
  SANDBOX_HOST     address to listen on: 127.0.0.1 (default), or 0.0.0.0 in a container
  SANDBOX_PORT     port (default: 3999)
  SANDBOX_API_KEY  the only Infobip API key to accept (default: any)

Delivery reports and callbacks (default: none are sent):
  SANDBOX_INFOBIP_REPORT_URL          URL for Infobip's delivery reports
  SANDBOX_INFOBIP_REPORT_TOKEN        value of the reports' header x-delivery-token
  SANDBOX_INFOBIP_REPORT_HMAC_SECRET  secret key for the reports' HMAC-SHA-256
  SANDBOX_INFOBIP_REPORT_HMAC_HEADER  name of the header with the HMAC (default: x-signature)
  SANDBOX_SINCH_CALLBACK_URL          URL for Sinch's callbacks`;

/** `package.json` is next to this file in the source, in a build and in the published package. */
const MANIFEST = new URL('./package.json', import.meta.url);

/**
 * Handles `--help` and `--version`.
 * @returns the text to print; `undefined` without arguments, which starts the sandbox
 * @throws Error for any other argument
 */
export function readCommandLine(args: readonly string[]): string | undefined {
  switch (args.join(' ')) {
    case '':
      return undefined;
    case '--help':
    case '-h':
      return HELP;
    case '--version':
      return readVersion();
    default:
      throw new Error(
        `unknown arguments: ${args.join(' ')}. Settings are environment variables; --help lists them.`,
      );
  }
}

function readVersion(): string {
  const { version } = JSON.parse(readFileSync(MANIFEST, 'utf8')) as { version: string };
  return version;
}
