import type { OtpConfig } from '../../config/otp.config.js';
import type { Finding } from '../account-inspection.js';
import type { InfobipDemand } from './infobip.demand.js';
import { error, ok, shown, warning } from './infobip.findings.js';
import { formatDuration, parseDuration, parseLimit } from './infobip.mini-syntax.js';
import type { ApplicationAnswer, ApplicationConfiguration } from './infobip.wire.js';

/** Ours is the stricter one, so the vendor's may be looser; beyond this it guards nothing. */
const LOOSE = 3;

/** Judges an application by our own settings. */
export function applicationFindings(
  application: ApplicationAnswer,
  otp: OtpConfig,
  demand: InfobipDemand,
): Finding[] {
  const its = application.configuration ?? {};
  return [
    enabled(application),
    attempts(its, otp),
    lifetime(its, otp),
    oneTimeUse(its),
    ...limits(its, demand),
  ];
}

function enabled({ enabled: value }: ApplicationAnswer): Finding {
  return value === false
    ? error('application', 'The application is disabled: no code can be sent.')
    : ok('application', 'The application is there and enabled.');
}

function attempts({ pinAttempts }: ApplicationConfiguration, otp: OtpConfig): Finding {
  const check = 'attempts';
  const ours = `OTP_MAX_ATTEMPTS is ${String(otp.maxAttempts)}`;
  const theirs = `pinAttempts is ${shown(pinAttempts)}`;
  if (typeof pinAttempts !== 'number') {
    return warning(check, `${theirs}, so it cannot be compared: ${ours}.`);
  }
  if (pinAttempts < otp.maxAttempts) {
    return error(check, `${theirs}, but ${ours}: users are locked out early.`);
  }
  return pinAttempts > LOOSE * otp.maxAttempts
    ? warning(check, `${theirs}, much looser than ours: ${ours}.`)
    : ok(check, `${theirs}; ${ours}.`);
}

function lifetime({ pinTimeToLive }: ApplicationConfiguration, otp: OtpConfig): Finding {
  const check = 'lifetime';
  const ours = `OTP_TTL is ${formatDuration(otp.ttlMs)}`;
  const theirs = `pinTimeToLive is ${shown(pinTimeToLive)}`;
  const ms = parseDuration(pinTimeToLive);
  if (ms === undefined) return warning(check, `${theirs}, so it cannot be compared: ${ours}.`);
  if (ms < otp.ttlMs) return error(check, `${theirs}, but ${ours}: codes expire early.`);
  return ms > LOOSE * otp.ttlMs
    ? warning(check, `${theirs}, much looser than ours: ${ours}.`)
    : ok(check, `${theirs}; ${ours}.`);
}

function oneTimeUse({ allowMultiplePinVerifications: value }: ApplicationConfiguration): Finding {
  return value === false
    ? ok('one-time use', 'A code can be verified once only.')
    : error('one-time use', 'allowMultiplePinVerifications is on: a used code verifies again.');
}

function limits(its: ApplicationConfiguration, demand: InfobipDemand): Finding[] {
  return [
    limit({
      check: 'texts a number',
      name: 'sendPinPerPhoneNumberLimit',
      value: its.sendPinPerPhoneNumberLimit,
      demand: (ms) => demand.textsOfOneNumber(ms),
      ours: `our limits let one number have`,
      bites: error,
    }),
    limit({
      check: 'texts altogether',
      name: 'sendPinPerApplicationLimit',
      value: its.sendPinPerApplicationLimit,
      demand: (ms) => demand.textsOfAllClients(ms),
      ours: `our limits let all clients together send`,
      bites: warning,
    }),
    limit({
      check: 'verify calls',
      name: 'verifyPinLimit',
      value: its.verifyPinLimit,
      demand: (ms) => demand.attemptsOnOneNumber(ms),
      ours: `our limits let codes for one number be tried`,
      bites: warning,
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
  readonly bites: (check: string, message: string) => Finding;
}

function limit({ check, name, value, demand, ours, bites }: LimitCheck): Finding {
  const theirs = `${name} is ${shown(value)}`;
  const parsed = parseLimit(value);
  if (!parsed) return warning(check, `${theirs}, so it cannot be compared.`);
  const wanted = demand(parsed.intervalMs);
  if (parsed.count >= wanted) return ok(check, `${theirs}; our own limits come first.`);
  const interval = formatDuration(parsed.intervalMs);
  return bites(check, `${theirs}, but ${ours} ${String(wanted)} times in ${interval}.`);
}
