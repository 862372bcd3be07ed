import type { OtpConfig } from '../../config/otp.config.js';
import { error, formatValue, ok, warning, type AccountFinding } from '../account-check.js';
import { formatDuration, parseDuration, parseLimit } from './infobip.limit-syntax.js';
import type { InfobipMaxUsage } from './infobip.max-usage.js';
import type { ApplicationConfiguration, ApplicationResponse } from './infobip.types.js';

/** Infobip's values may be looser than ours; beyond this factor they protect nothing. */
const LOOSE_FACTOR = 3;

/** The limits that Infobip counts itself, each beside the most that our own limits allow. */
const LIMITS = [
  {
    check: 'messages per number',
    field: 'sendPinPerPhoneNumberLimit',
    maxUsage: 'maxMessagesPerNumber',
    ours: 'our limits allow messages to one number',
    severity: error,
  },
  {
    check: 'messages in total',
    field: 'sendPinPerApplicationLimit',
    maxUsage: 'maxMessagesTotal',
    ours: 'our limits let all clients together send',
    severity: warning,
  },
  {
    check: 'verify calls',
    field: 'verifyPinLimit',
    maxUsage: 'maxAttemptsPerNumber',
    ours: 'our limits allow codes of one number to be checked',
    severity: warning,
  },
] as const;

/** Compares an application with this service's settings. */
export function checkApplication(
  { enabled, configuration }: ApplicationResponse,
  { maxAttempts, ttlMs }: OtpConfig,
  usage: InfobipMaxUsage,
): AccountFinding[] {
  const values = configuration ?? {};
  const { pinAttempts, pinTimeToLive, allowMultiplePinVerifications } = values;
  return [
    enabled === false
      ? error('application', 'The application is disabled: no code can be sent.')
      : ok('application', 'The application is there and enabled.'),
    compareLimits('attempts', {
      theirs: `pinAttempts is ${formatValue(pinAttempts)}`,
      ours: `OTP_MAX_ATTEMPTS is ${String(maxAttempts)}`,
      actual: typeof pinAttempts === 'number' ? pinAttempts : undefined,
      required: maxAttempts,
      consequence: 'users are locked out early',
    }),
    compareLimits('lifetime', {
      theirs: `pinTimeToLive is ${formatValue(pinTimeToLive)}`,
      ours: `OTP_TTL is ${formatDuration(ttlMs)}`,
      actual: parseDuration(pinTimeToLive),
      required: ttlMs,
      consequence: 'codes expire early',
    }),
    allowMultiplePinVerifications === false
      ? ok('one-time use', 'A code can be verified once only.')
      : error('one-time use', 'allowMultiplePinVerifications is on: a used code verifies again.'),
    ...LIMITS.map((limit) => checkLimit(values, usage, limit)),
  ];
}

interface LimitPair {
  readonly theirs: string;
  readonly ours: string;
  readonly actual: number | undefined;
  readonly required: number;
  /** What happens if `actual` is less than `required`. */
  readonly consequence: string;
}

function compareLimits(check: string, { theirs, ours, actual, required, consequence }: LimitPair) {
  if (actual === undefined) return warning(check, `${theirs}, which cannot be compared: ${ours}.`);
  if (actual < required) return error(check, `${theirs}, but ${ours}: ${consequence}.`);
  return actual > LOOSE_FACTOR * required
    ? warning(check, `${theirs}, much looser than ours: ${ours}.`)
    : ok(check, `${theirs}; ${ours}.`);
}

function checkLimit(
  values: ApplicationConfiguration,
  usage: InfobipMaxUsage,
  { check, field, maxUsage, ours, severity }: (typeof LIMITS)[number],
): AccountFinding {
  const actual = `${field} is ${formatValue(values[field])}`;
  const limit = parseLimit(values[field]);
  if (!limit) return warning(check, `${actual}, which cannot be compared.`);
  const max = usage[maxUsage](limit.intervalMs);
  if (limit.count >= max) return ok(check, `${actual}; our own limits apply first.`);
  const interval = formatDuration(limit.intervalMs);
  return severity(check, `${actual}, but ${ours} ${String(max)} times in ${interval}.`);
}
