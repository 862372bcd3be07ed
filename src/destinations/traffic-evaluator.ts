import type { PumpingConfig } from '../config/pumping.config.js';
import type {
  BudgetScope,
  BudgetViolation,
  DestinationCounts,
  SendCounts,
  TrafficEvaluator,
} from '../storage/limit.types.js';

type BudgetWindow = BudgetViolation['window'];

/**
 * Unverified messages allowed beyond a budget while their codes can still be verified. Healthy
 * traffic verifies them within minutes; a fast attack is stopped before its codes expire.
 */
const BURST_ALLOWANCE: Record<BudgetScope, Record<BudgetWindow, number>> = {
  prefix: { hour: 25, day: 10 },
  country: { hour: 100, day: 100 },
};

/**
 * Evaluates a destination by its unverified messages. Per hour and per day, a prefix and a country
 * may have a floor of them plus a share of the verified ones: those in that window, or the usual
 * number if that is more. A trusted prefix is not blocked because of its country.
 */
export function createTrafficEvaluator(config: PumpingConfig): TrafficEvaluator {
  const findViolation = (scope: BudgetScope, counts: DestinationCounts) =>
    checkBudget(scope, 'hour', counts, config) ?? checkBudget(scope, 'day', counts, config);
  return ({ prefix, country }) => {
    const violation = findViolation('prefix', prefix);
    if (violation || isTrusted(prefix, config)) return violation;
    return findViolation('country', country);
  };
}

function checkBudget(
  scope: BudgetScope,
  window: BudgetWindow,
  counts: DestinationCounts,
  config: PumpingConfig,
): BudgetViolation | undefined {
  const floor = window === 'hour' ? config.floorPerHour : config.floorPerDay;
  const allowed = Math.floor(floor + verifiedAllowance(counts, window, config));
  const expired = countUnverified(counts[window]);
  const all = expired + countUnverified(counts.recent);
  const allowedInAll = allowed + BURST_ALLOWANCE[scope][window];
  if (expired <= allowed && all <= allowedInAll) return undefined;
  const includesRecent = expired <= allowed;
  return {
    scope,
    window,
    includesRecent,
    unverified: includesRecent ? all : expired,
    allowed: includesRecent ? allowedInAll : allowed,
    verified: counts[window].verified + counts.recent.verified,
    enforced: config.mode === 'enforce',
  };
}

/** Whether the unverified messages of a day are within the share of the verified ones alone. */
function isTrusted(prefix: DestinationCounts, config: PumpingConfig): boolean {
  const unverified = countUnverified(prefix.day) + countUnverified(prefix.recent);
  return unverified <= verifiedAllowance(prefix, 'day', config);
}

/** The share of the messages that are verified in the window, or usually in as much time. */
function verifiedAllowance(
  { recent, hour, day, twoWeeks }: DestinationCounts,
  window: BudgetWindow,
  { unverifiedRatio }: PumpingConfig,
): number {
  const countVerified = (before: SendCounts) => before.verified + recent.verified;
  const usual =
    window === 'hour'
      ? Math.max(countVerified(hour), countVerified(day) / 24, countVerified(twoWeeks) / (14 * 24))
      : Math.max(countVerified(day), countVerified(twoWeeks) / 14);
  return unverifiedRatio * usual;
}

const countUnverified = ({ sends, verified }: SendCounts): number => sends - verified;
