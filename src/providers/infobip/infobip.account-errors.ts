import {
  AccountError,
  errorFinding,
  toFailureFinding,
  toStatusFinding,
  type AccountFinding,
} from '../account-check.js';
import type { ProviderError } from '../provider-error.js';
import type { ProviderResponse } from '../provider-response.js';
import { getRejectedFields } from './infobip.errors.js';

const HOST_REMEDY =
  'Set INFOBIP_BASE_URL to the host that the portal’s home page shows: https://….api.infobip.com.';

/** The settings or options of `infobip:setup` that determine a field's value, by field at Infobip. */
const SETTINGS_BY_FIELD: ReadonlyMap<string, string> = new Map([
  ['pinAttempts', 'OTP_MAX_ATTEMPTS'],
  ['pinTimeToLive', 'OTP_TTL'],
  [
    'verifyPinLimit',
    'OTP_MAX_ATTEMPTS, SEND_COOLDOWN, FAILED_ATTEMPTS_PER_NUMBER_PER_HOUR, FAILED_ATTEMPTS_PER_NUMBER_PER_DAY',
  ],
  ['sendPinPerPhoneNumberLimit', 'SENDS_PER_NUMBER_PER_DAY'],
  [
    'sendPinPerApplicationLimit',
    'THROTTLE_SEND_LIMIT, CLIENT_SENDS_PER_DAY, the clients in API_KEYS',
  ],
  ['name', '--name'],
  ['messageText', '--text'],
  ['senderId', '--sender'],
  ['language', '--language'],
]);

const FINDINGS_BY_STATUS: Partial<Record<number, AccountFinding>> = {
  401: errorFinding(
    'credentials',
    'Infobip does not know the API key (401).',
    'Set INFOBIP_API_KEY to a valid key of this account and host.',
  ),
  403: errorFinding(
    'scope',
    'The API key may not read or change 2FA applications (403).',
    'Give it the scope 2fa:manage, or use another key that has it for this command.',
  ),
};

/** The error for an unusable response about the account, chosen by the status. */
export function toResponseError(response: ProviderResponse): AccountError {
  const { status } = response;
  if (status === 400) return new AccountError(describeRejection(getRejectedFields(response)));
  return new AccountError(
    FINDINGS_BY_STATUS[status] ?? toStatusFinding(status, 'Infobip’s 2FA API', HOST_REMEDY),
  );
}

/** Names the fields that Infobip rejects, and the settings and options that determine their values. */
function describeRejection(fields: readonly string[]): AccountFinding {
  const names = fields.length > 0 ? `: ${fields.join(', ')}` : '';
  const settings = fields.flatMap(
    (field) => SETTINGS_BY_FIELD.get(field.split('.').at(-1) ?? '') ?? [],
  );
  const remedy =
    settings.length > 0
      ? `Change the settings or options that determine them: ${settings.join(', ')}.`
      : 'Choose other values.';
  return errorFinding('request', `Infobip rejects these values (400)${names}.`, remedy);
}

/** The error for a call about the account that got no response. */
export const toFailureError = (failure: ProviderError): AccountError =>
  new AccountError(
    toFailureFinding(
      failure,
      'The host of INFOBIP_BASE_URL',
      `${HOST_REMEDY} If it is the sandbox, start it: npm run sandbox.`,
    ),
  );
