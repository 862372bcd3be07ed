import type { PumpingConfig } from '../../../src/config/pumping.config.js';
import type {
  BudgetViolation,
  DestinationCounts,
  DestinationScope,
  SendCounts,
} from '../../../src/storage/limit.types.js';

type BudgetWindow = BudgetViolation['window'];
type SharedViolation = Omit<BudgetViolation, 'scope'> & { readonly scope: DestinationScope };

/** How far the unverified messages may exceed a budget if recent ones are counted too. */
const BURST_ALLOWANCE: Record<DestinationScope, Record<BudgetWindow, number>> = {
  prefix: { hour: 25, day: 10 },
  country: { hour: 100, day: 100 },
};

/**
 * Evaluates one budget for all clients together, as earlier releases did. With only one client, the
 * present evaluator makes the same decisions.
 */
export function createSharedBudgetEvaluator(config: PumpingConfig) {
  const findViolation = (scope: DestinationScope, counts: DestinationCounts) =>
    checkBudget(scope, 'hour', counts, config) ?? checkBudget(scope, 'day', counts, config);
  return ({
    prefix,
    country,
  }: Record<DestinationScope, DestinationCounts>): SharedViolation | undefined => {
    const violation = findViolation('prefix', prefix);
    if (violation || skipsCountry(prefix, country, config)) return violation;
    return findViolation('country', country);
  };
}

function checkBudget(
  scope: DestinationScope,
  window: BudgetWindow,
  counts: DestinationCounts,
  config: PumpingConfig,
): SharedViolation | undefined {
  const floor = window === 'hour' ? config.floorPerHour : config.floorPerDay;
  const allowed = Math.floor(floor + getVerifiedAllowance(counts, window, config));
  const unverified = countUnverified(counts[window]);
  const unverifiedWithRecent = unverified + countUnverified(counts.recent);
  const allowedWithRecent = allowed + getBurst(scope, window, counts, config);
  if (unverified <= allowed && unverifiedWithRecent <= allowedWithRecent) return undefined;
  const includesRecent = unverified <= allowed;
  return {
    scope,
    window,
    includesRecent,
    unverified: includesRecent ? unverifiedWithRecent : unverified,
    allowed: includesRecent ? allowedWithRecent : allowed,
    verified: counts[window].verified + counts.recent.verified,
    enforced: config.mode === 'enforce',
  };
}

/** The burst allowance. That of the day is smaller by what earlier days have used of it. */
function getBurst(
  scope: DestinationScope,
  window: BudgetWindow,
  { day, twoWeeks }: DestinationCounts,
  { unverifiedRatio }: PumpingConfig,
): number {
  const burst = BURST_ALLOWANCE[scope][window];
  if (window === 'hour') return burst;
  const unverifiedBefore = countUnverified(twoWeeks) - countUnverified(day);
  const used = unverifiedBefore - unverifiedRatio * (twoWeeks.verified - day.verified);
  return Math.floor(Math.min(burst, Math.max(0, burst - used)));
}

/**
 * Whether the day's unverified messages to a prefix are within its budget without the floor, and
 * those to its country within the floor and two bursts, in the day or in two weeks.
 */
function skipsCountry(
  prefix: DestinationCounts,
  country: DestinationCounts,
  config: PumpingConfig,
): boolean {
  const countSince = ({ recent }: DestinationCounts, counts: SendCounts) =>
    countUnverified(recent) + countUnverified(counts);
  const ofPrefix = getVerifiedAllowance(prefix, 'day', config);
  if (countSince(prefix, prefix.day) > ofPrefix) return false;
  const limit = config.floorPerDay + 2 * BURST_ALLOWANCE.country.day;
  const ofDay = limit + getVerifiedAllowance(country, 'day', config);
  const verified = country.recent.verified + country.twoWeeks.verified;
  const ofTwoWeeks = limit + config.unverifiedRatio * verified;
  return (
    countSince(country, country.day) <= ofDay || countSince(country, country.twoWeeks) <= ofTwoWeeks
  );
}

/** The ratio times the verified messages of the window, or of a longer-term average if higher. */
function getVerifiedAllowance(
  { recent, hour, day, twoWeeks }: DestinationCounts,
  window: BudgetWindow,
  { unverifiedRatio }: PumpingConfig,
): number {
  const countVerified = (counts: SendCounts) => counts.verified + recent.verified;
  const verified =
    window === 'hour'
      ? Math.max(countVerified(hour), countVerified(day) / 24, countVerified(twoWeeks) / (14 * 24))
      : Math.max(countVerified(day), countVerified(twoWeeks) / 14);
  return unverifiedRatio * verified;
}

const countUnverified = ({ sends, verified }: SendCounts): number => sends - verified;
