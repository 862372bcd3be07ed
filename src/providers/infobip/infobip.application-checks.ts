import type { OtpConfig } from '../../config/otp.config.js';
import type { AccountFinding } from '../account-check.js';
import type { InfobipDemand } from './infobip.max-usage.js';
import { error, ok, format, warning } from './infobip.findings.js';
import { formatDuration, parseDuration, parseLimit } from './infobip.limit-syntax.js';
import type { ApplicationResponse, ApplicationConfiguration } from './infobip.types.js';

/** Ours is the stricter one, so the vendor's may be looser; beyond this it guards nothing. */
const LOOSE_FACTOR = 3;

/** Judges an application by our own settings. */
export function checkApplication(
  application: ApplicationResponse,
  otp: OtpConfig,
  demand: InfobipDemand,
): AccountFinding[] {
  const its = application.configuration ?? {};
  return [
    enabled(application),
    attempts(its, otp),
    lifetime(its, otp),
    oneTimeUse(its),
    ...limits(its, demand),
  ];
}

function enabled({ enabled: value }: ApplicationResponse): AccountFinding {
  return value === false
    ? error('application', 'The application is disabled: no code can be sent.')
    : ok('application', 'The application is there and enabled.');
}

function attempts({ pinAttempts }: ApplicationConfiguration, otp: OtpConfig): AccountFinding {
  const check = 'attempts';
  const ours = `OTP_MAX_ATTEMPTS is ${String(otp.maxAttempts)}`;
  const theirs = `pinAttempts is ${format(pinAttempts)}`;
  if (typeof pinAttempts !== 'number') {
    return warning(check, `${theirs}, so it cannot be compared: ${ours}.`);
  }
  if (pinAttempts < otp.maxAttempts) {
    return error(check, `${theirs}, but ${ours}: users are locked out early.`);
  }
  return pinAttempts > LOOSE_FACTOR * otp.maxAttempts
    ? warning(check, `${theirs}, much looser than ours: ${ours}.`)
    : ok(check, `${theirs}; ${ours}.`);
}

function lifetime({ pinTimeToLive }: ApplicationConfiguration, otp: OtpConfig): AccountFinding {
  const check = 'lifetime';
  const ours = `OTP_TTL is ${formatDuration(otp.ttlMs)}`;
  const theirs = `pinTimeToLive is ${format(pinTimeToLive)}`;
  const ms = parseDuration(pinTimeToLive);
  if (ms === undefined) return warning(check, `${theirs}, so it cannot be compared: ${ours}.`);
  if (ms < otp.ttlMs) return error(check, `${theirs}, but ${ours}: codes expire early.`);
  return ms > LOOSE_FACTOR * otp.ttlMs
    ? warning(check, `${theirs}, much looser than ours: ${ours}.`)
    : ok(check, `${theirs}; ${ours}.`);
}

function oneTimeUse({
  allowMultiplePinVerifications: value,
}: ApplicationConfiguration): AccountFinding {
  return value === false
    ? ok('one-time use', 'A code can be verified once only.')
    : error('one-time use', 'allowMultiplePinVerifications is on: a used code verifies again.');
}

function limits(its: ApplicationConfiguration, demand: InfobipDemand): AccountFinding[] {
  return [
    limit({
      check: 'texts a number',
      name: 'sendPinPerPhoneNumberLimit',
      value: its.sendPinPerPhoneNumberLimit,
      demand: (ms) => demand.maxMessagesPerNumber(ms),
      ours: `our limits let one number have`,
      severity: error,
    }),
    limit({
      check: 'texts altogether',
      name: 'sendPinPerApplicationLimit',
      value: its.sendPinPerApplicationLimit,
      demand: (ms) => demand.maxMessagesTotal(ms),
      ours: `our limits let all clients together send`,
      severity: warning,
    }),
    limit({
      check: 'verify calls',
      name: 'verifyPinLimit',
      value: its.verifyPinLimit,
      demand: (ms) => demand.maxAttemptsPerNumber(ms),
      ours: `our limits let codes for one number be tried`,
      severity: warning,
    }),
  ];
}

interface LimitCheck {
  readonly check: string;
  readonly name: string;
  readonly value: unknown;
  /** What our own limits let through within so many milliseconds. */
  readonly demand: (ms: number) => number;
  readonly ours: string;
  readonly severity: (check: string, message: string) => AccountFinding;
}

function limit({ check, name, value, demand, ours, severity: bites }: LimitCheck): AccountFinding {
  const theirs = `${name} is ${format(value)}`;
  const parsed = parseLimit(value);
  if (!parsed) return warning(check, `${theirs}, so it cannot be compared.`);
  const wanted = demand(parsed.intervalMs);
  if (parsed.count >= wanted) return ok(check, `${theirs}; our own limits come first.`);
  const interval = formatDuration(parsed.intervalMs);
  return bites(check, `${theirs}, but ${ours} ${String(wanted)} times in ${interval}.`);
}
