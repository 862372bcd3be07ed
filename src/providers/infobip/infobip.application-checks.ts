import type { OtpConfig } from '../../config/otp.config.js';
import type { AccountFinding } from '../account-check.js';
import { error, formatValue, ok, warning } from '../account-findings.js';
import { formatDuration, parseDuration, parseLimit } from './infobip.limit-syntax.js';
import type { InfobipDemand } from './infobip.max-usage.js';
import type { ApplicationConfiguration, ApplicationResponse } from './infobip.types.js';

/** Infobip's values may be looser than ours; beyond this factor they protect nothing. */
const LOOSE_FACTOR = 3;

/** Compares an application with this service's settings. */
export function checkApplication(
  { enabled, configuration }: ApplicationResponse,
  otp: OtpConfig,
  demand: InfobipDemand,
): AccountFinding[] {
  const values = configuration ?? {};
  return [
    enabled === false
      ? error('application', 'The application is disabled: no code can be sent.')
      : ok('application', 'The application is there and enabled.'),
    checkAttempts(values, otp),
    checkLifetime(values, otp),
    values.allowMultiplePinVerifications === false
      ? ok('one-time use', 'A code can be verified once only.')
      : error('one-time use', 'allowMultiplePinVerifications is on: a used code verifies again.'),
    ...checkLimits(values, demand),
  ];
}

const checkAttempts = ({ pinAttempts }: ApplicationConfiguration, { maxAttempts }: OtpConfig) =>
  compare({
    check: 'attempts',
    theirs: `pinAttempts is ${formatValue(pinAttempts)}`,
    ours: `OTP_MAX_ATTEMPTS is ${String(maxAttempts)}`,
    actual: typeof pinAttempts === 'number' ? pinAttempts : undefined,
    required: maxAttempts,
    consequence: 'users are locked out early',
  });

const checkLifetime = ({ pinTimeToLive }: ApplicationConfiguration, { ttlMs }: OtpConfig) =>
  compare({
    check: 'lifetime',
    theirs: `pinTimeToLive is ${formatValue(pinTimeToLive)}`,
    ours: `OTP_TTL is ${formatDuration(ttlMs)}`,
    actual: parseDuration(pinTimeToLive),
    required: ttlMs,
    consequence: 'codes expire early',
  });

interface Comparison {
  readonly check: string;
  readonly theirs: string;
  readonly ours: string;
  readonly actual: number | undefined;
  readonly required: number;
  /** What happens if `actual` is less than `required`. */
  readonly consequence: string;
}

function compare({ check, theirs, ours, actual, required, consequence }: Comparison) {
  if (actual === undefined) return warning(check, `${theirs}, which cannot be compared: ${ours}.`);
  if (actual < required) return error(check, `${theirs}, but ${ours}: ${consequence}.`);
  return actual > LOOSE_FACTOR * required
    ? warning(check, `${theirs}, much looser than ours: ${ours}.`)
    : ok(check, `${theirs}; ${ours}.`);
}

function checkLimits(values: ApplicationConfiguration, demand: InfobipDemand): AccountFinding[] {
  return [
    checkLimit({
      check: 'messages per number',
      theirs: 'sendPinPerPhoneNumberLimit',
      value: values.sendPinPerPhoneNumberLimit,
      getDemand: (ms) => demand.maxMessagesPerNumber(ms),
      ours: 'our limits allow messages to one number',
      severity: error,
    }),
    checkLimit({
      check: 'messages in total',
      theirs: 'sendPinPerApplicationLimit',
      value: values.sendPinPerApplicationLimit,
      getDemand: (ms) => demand.maxMessagesTotal(ms),
      ours: 'our limits let all clients together send',
      severity: warning,
    }),
    checkLimit({
      check: 'verify calls',
      theirs: 'verifyPinLimit',
      value: values.verifyPinLimit,
      getDemand: (ms) => demand.maxAttemptsPerNumber(ms),
      ours: 'our limits allow codes of one number to be checked',
      severity: warning,
    }),
  ];
}

interface LimitCheck {
  readonly check: string;
  readonly theirs: string;
  readonly value: unknown;
  /** The most that our own limits allow within so many milliseconds. */
  readonly getDemand: (ms: number) => number;
  readonly ours: string;
  readonly severity: (check: string, message: string) => AccountFinding;
}

function checkLimit({ check, theirs, value, getDemand, ours, severity }: LimitCheck) {
  const actual = `${theirs} is ${formatValue(value)}`;
  const limit = parseLimit(value);
  if (!limit) return warning(check, `${actual}, which cannot be compared.`);
  const demand = getDemand(limit.intervalMs);
  if (limit.count >= demand) return ok(check, `${actual}; our own limits apply first.`);
  const interval = formatDuration(limit.intervalMs);
  return severity(check, `${actual}, but ${ours} ${String(demand)} times in ${interval}.`);
}
