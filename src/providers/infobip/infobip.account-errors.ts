import { AccountError } from '../account-check.js';
import type { AccountFinding } from '../account-check.js';
import type { ProviderResponse } from '../provider-response.js';
import type { ProviderError } from '../provider-error.js';
import { getRejectedFields } from './infobip.errors.js';

const HOST_REMEDY =
  'Set INFOBIP_BASE_URL to the host that the portal’s home page shows: https://….api.infobip.com.';
/** The settings, and the options of the set-up, from which a field's value follows. */
const SETTINGS_BY_FIELD: ReadonlyMap<string, readonly string[]> = new Map([
  ['pinAttempts', ['OTP_MAX_ATTEMPTS']],
  ['pinTimeToLive', ['OTP_TTL']],
  [
    'verifyPinLimit',
    [
      'OTP_MAX_ATTEMPTS',
      'SEND_COOLDOWN',
      'FAILED_ATTEMPTS_PER_NUMBER_PER_HOUR',
      'FAILED_ATTEMPTS_PER_NUMBER_PER_DAY',
    ],
  ],
  ['sendPinPerPhoneNumberLimit', ['SENDS_PER_NUMBER_PER_DAY']],
  [
    'sendPinPerApplicationLimit',
    ['THROTTLE_SEND_LIMIT', 'CLIENT_SENDS_PER_DAY', 'the clients in API_KEYS'],
  ],
  ['name', ['--name']],
  ['messageText', ['--text']],
  ['senderId', ['--sender']],
  ['language', ['--language']],
]);
const RETRY_LATER = 'Try again in some minutes.';

/** Why an answer about the account's configuration is of no use: by its status first (contract §8). */
export function errorFromResponse(answer: ProviderResponse): AccountError {
  const { status } = answer;
  switch (true) {
    case status === 401:
      return refusal('credentials', 'Infobip does not know the API key (401).', {
        remedy: 'Set INFOBIP_API_KEY to a valid key of this account and host.',
      });
    case status === 403:
      return refusal('scope', 'The API key may not see or change 2FA applications (403).', {
        remedy: 'Give it the scope 2fa:manage, or use another key that has it for this command.',
      });
    case status === 429:
      return refusal('host', 'Infobip wants fewer requests (429), so nothing could be checked.', {
        level: 'warning',
        remedy: RETRY_LATER,
      });
    case status >= 500:
      return refusal('host', `Infobip fails (${String(status)}).`, { remedy: RETRY_LATER });
    case status === 400: {
      const fields = getRejectedFields(answer);
      const which = fields.length > 0 ? `: ${fields.join(', ')}` : '';
      return refusal('request', `Infobip refuses these values (400)${which}.`, {
        remedy: remedyOf(fields),
      });
    }
    default:
      return refusal(
        'host',
        `What answers there is not Infobip’s 2FA API (status ${String(status)}).`,
        { remedy: HOST_REMEDY },
      );
  }
}

/** Names what the operator can change: the fields are the vendor's. */
function remedyOf(fields: readonly string[]): string {
  const sources = fields.flatMap(
    (field) => SETTINGS_BY_FIELD.get(field.split('.').at(-1) ?? '') ?? [],
  );
  return sources.length > 0
    ? `Change what they follow from: ${sources.join(', ')}.`
    : 'Choose others.';
}

/** Why no answer came. */
export function errorFromFailure({ failure, message }: ProviderError): AccountError {
  const what =
    failure === 'timed_out' ? 'does not answer in time' : `cannot be reached: ${message}`;
  return refusal('host', `The host of INFOBIP_BASE_URL ${what}.`, {
    remedy: `${HOST_REMEDY} The sandbox’s starts with: npm run sandbox.`,
  });
}

function refusal(
  check: string,
  message: string,
  { remedy, level = 'error' }: { remedy: string; level?: AccountFinding['level'] },
): AccountError {
  return new AccountError({ check, level, message, remedy });
}
