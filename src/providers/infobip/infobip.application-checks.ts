import type { OtpConfig } from '../../config/otp.config.js';
import {
  errorFinding,
  formatValue,
  okFinding,
  warningFinding,
  type AccountFinding,
} from '../account-check.js';
import { formatDuration, parseDuration, parseLimit } from './infobip.limit-syntax.js';
import type { InfobipRequiredLimits } from './infobip.required-limits.js';
import type { ApplicationConfiguration, InfobipApplication } from './infobip.types.js';

/** A value at Infobip may exceed ours. One that is more than this many times ours protects nothing. */
const LOOSE_FACTOR = 3;

/**
 * The limits that Infobip itself counts. `ownMaximum` is the method that computes the most that our own
 * limits allow, and `ours` describes this maximum in a message. `createFinding` applies to a limit at
 * Infobip that is below the maximum.
 */
const LIMITS = [
  {
    check: 'messages per number',
    field: 'sendPinPerPhoneNumberLimit',
    ownMaximum: 'maxMessagesPerNumber',
    ours: 'our limits allow messages to one number',
    createFinding: errorFinding,
  },
  {
    check: 'messages in total',
    field: 'sendPinPerApplicationLimit',
    ownMaximum: 'maxMessagesTotal',
    ours: 'our limits let all clients together send',
    createFinding: warningFinding,
  },
  {
    check: 'verify calls',
    field: 'verifyPinLimit',
    ownMaximum: 'maxAttemptsPerNumber',
    ours: 'our limits allow codes of one number to be checked',
    createFinding: warningFinding,
  },
] as const;

/** Compares an application with this service's settings. */
export function checkApplication(
  { enabled, configuration }: InfobipApplication,
  { maxAttempts, ttlMs }: OtpConfig,
  requiredLimits: InfobipRequiredLimits,
): AccountFinding[] {
  const values = configuration ?? {};
  const { pinAttempts, pinTimeToLive, allowMultiplePinVerifications } = values;
  return [
    enabled === false
      ? errorFinding('application', 'The application is disabled: no code can be sent.')
      : okFinding('application', 'The application is there and enabled.'),
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
      ? okFinding('one-time use', 'A code can be verified once only.')
      : errorFinding(
          'one-time use',
          'allowMultiplePinVerifications is on: a used code verifies again.',
        ),
    ...LIMITS.map((limit) => checkLimit(values, requiredLimits, limit)),
  ];
}

interface LimitPair {
  /** Infobip's value, as part of a sentence. */
  readonly theirs: string;
  /** Our value, as part of a sentence. */
  readonly ours: string;
  /** Infobip's value; `undefined` if it cannot be parsed. */
  readonly actual: number | undefined;
  /** Our value. */
  readonly required: number;
  /** What happens if `actual` is less than `required`. */
  readonly consequence: string;
}

function compareLimits(check: string, { theirs, ours, actual, required, consequence }: LimitPair) {
  if (actual === undefined)
    return warningFinding(check, `${theirs}, which cannot be compared with ours: ${ours}.`);
  if (actual < required) return errorFinding(check, `${theirs}, but ${ours}: ${consequence}.`);
  return actual > LOOSE_FACTOR * required
    ? warningFinding(check, `${theirs}, much looser than ours: ${ours}.`)
    : okFinding(check, `${theirs}; ${ours}.`);
}

function checkLimit(
  values: ApplicationConfiguration,
  requiredLimits: InfobipRequiredLimits,
  { check, field, ownMaximum, ours, createFinding }: (typeof LIMITS)[number],
): AccountFinding {
  const actual = `${field} is ${formatValue(values[field])}`;
  const limit = parseLimit(values[field]);
  if (!limit)
    return warningFinding(check, `${actual}, which cannot be compared with our own limits.`);
  const max = requiredLimits[ownMaximum](limit.intervalMs);
  if (limit.count >= max) return okFinding(check, `${actual}; our own limits apply first.`);
  const interval = formatDuration(limit.intervalMs);
  return createFinding(check, `${actual}, but ${ours} ${String(max)} times in ${interval}.`);
}
