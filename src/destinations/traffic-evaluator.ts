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
 * How far the unverified messages may exceed a budget if recent ones are counted too. Users verify
 * theirs within minutes; an attack reaches this limit before its first codes expire.
 */
const BURST_ALLOWANCE: Record<BudgetScope, Record<BudgetWindow, number>> = {
  prefix: { hour: 25, day: 10 },
  country: { hour: 100, day: 100 },
};

/**
 * Checks the budgets of unverified messages of a prefix and its country, per hour and per day. A
 * budget is a fixed floor plus `unverifiedRatio` times the verified messages. A trusted prefix is not
 * blocked because of its country.
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
  const allowed = Math.floor(floor + getVerifiedAllowance(counts, window, config));
  const unverified = countUnverified(counts[window]);
  const unverifiedWithRecent = unverified + countUnverified(counts.recent);
  const allowedWithRecent = allowed + BURST_ALLOWANCE[scope][window];
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

/** Whether the unverified messages of the day stay within the budget even without the floor. */
function isTrusted(prefix: DestinationCounts, config: PumpingConfig): boolean {
  const unverified = countUnverified(prefix.day) + countUnverified(prefix.recent);
  return unverified <= getVerifiedAllowance(prefix, 'day', config);
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
