import type { EventBus, ProviderCallCompleted } from '../common/events.js';
import type { ProviderFailure } from '../common/label-values.js';
import type { ProviderName } from '../common/provider-name.js';
import type { ReportsConfig } from '../config/reports.config.js';
import type { AccountFinding } from '../providers/account-check.js';

/** The product of each provider that sends and checks codes. */
export const PRODUCT_NAMES: Record<ProviderName, string> = {
  infobip: 'Infobip 2FA',
  sinch: 'Sinch Verification',
};

const CHECK_CREDENTIALS =
  'Check the credentials. An API key of Infobip needs the scope 2fa:pin:send.';
const CHECK_HOST =
  'Check the base URL, HTTPS_PROXY and the status page of the provider, then try again.';
const RETRY_LATER = 'Try again in some minutes.';

/** What the operator can do about a failed send or verify. */
const REMEDIES: Readonly<Record<ProviderFailure, string>> = {
  destination_unreachable: 'Check the number, and that its phone is switched on.',
  pin_not_found: RETRY_LATER,
  not_accepted:
    'Check the balance, and whether the account may message this number: trial accounts message registered numbers only.',
  rejected: 'Check the settings of the account; npm run infobip:setup compares those of Infobip.',
  unauthorized: CHECK_CREDENTIALS,
  throttled: RETRY_LATER,
  number_throttled: RETRY_LATER,
  connection_failed: CHECK_HOST,
  connection_lost: CHECK_HOST,
  timed_out: CHECK_HOST,
  server_error: CHECK_HOST,
  invalid_response: CHECK_HOST,
  circuit_open: RETRY_LATER,
  overloaded: RETRY_LATER,
};

/** The service denies these messages when Sinch asks for permission to send them. */
const DENIED_BY_SERVICE =
  'While SINCH_REPORTS is on, the service denies messages that it did not send, also those of this command. ' +
  'Send a code with POST /otp/send instead. If that fails, too, check the balance.';

/**
 * Collects failed provider calls from now on.
 * @returns the last failed call of each provider, by the provider's name; each later failure is added
 */
export function collectFailedCalls(events: EventBus): Map<string, ProviderCallCompleted> {
  const calls = new Map<string, ProviderCallCompleted>();
  events.subscribe('provider_call_completed', (call) => {
    if (call.error) calls.set(call.provider, call);
  });
  return calls;
}

/** One finding for each provider whose call failed. */
export const describeFailedCalls = (
  calls: ReadonlyMap<string, ProviderCallCompleted>,
  level: AccountFinding['level'],
  reports: ReportsConfig,
): AccountFinding[] =>
  [...calls.values()].flatMap(({ provider, operation, error }) => {
    if (!error) return [];
    const name = PRODUCT_NAMES[provider as ProviderName];
    const effect = operation === 'send' ? 'did not accept the message' : 'did not check the code';
    const uncertainty = operation === 'send' && error.ambiguous ? ' It may have been sent.' : '';
    const message = `${name} ${effect}: ${error.message}.${uncertainty}`;
    const isSinchSend = provider === 'sinch' && operation === 'send';
    const mayBeDenied =
      reports.sinch !== undefined && isSinchSend && error.failure === 'not_accepted';
    const remedy = mayBeDenied ? DENIED_BY_SERVICE : REMEDIES[error.failure];
    return [{ check: operation, level, message, remedy }];
  });
