import type { PumpingConfig } from '../config/pumping.config.js';
import type {
  DestinationCounts,
  BudgetViolation,
  TrafficEvaluator,
  BudgetScope,
  SendCounts,
} from '../storage/traffic.types.js';

type Window = BudgetViolation['window'];

/**
 * How many unverified texts beyond a budget are borne while their codes may still be typed. Healthy
 * traffic pays them back within minutes; a fast attack ends here and not when its codes expire.
 */
const BURST_ALLOWANCE: Record<BudgetScope, Record<Window, number>> = {
  prefix: { hour: 25, day: 10 },
  country: { hour: 100, day: 100 },
};

const WINDOWS = ['hour', 'day'] as const satisfies readonly Window[];

/**
 * Judges a destination by its unverified texts. In an hour and in a day, a prefix and a country may
 * have a floor of them and, beyond it, a share of what they verify: in that window or, where that is
 * more, usually. A prefix that verifies on its own what it should is not refused for its country.
 */
export function createTrafficEvaluator(settings: PumpingConfig): TrafficEvaluator {
  return ({ prefix, country }) => {
    const excess = firstExcess('prefix', prefix, settings);
    if (excess || isTrusted(prefix, settings)) return excess;
    return firstExcess('country', country, settings);
  };
}

function firstExcess(
  region: BudgetScope,
  traffic: DestinationCounts,
  settings: PumpingConfig,
): BudgetViolation | undefined {
  for (const window of WINDOWS) {
    const excess = excessOf(region, window, traffic, settings);
    if (excess) return excess;
  }
  return undefined;
}

function excessOf(
  region: BudgetScope,
  window: Window,
  traffic: DestinationCounts,
  settings: PumpingConfig,
): BudgetViolation | undefined {
  const floor = window === 'hour' ? settings.floorPerHour : settings.floorPerDay;
  const allowed = Math.floor(floor + verifiedAllowance(traffic, window, settings));
  const ripe = unverified(traffic[window]);
  const all = ripe + unverified(traffic.recent);
  const allowedOfAll = allowed + BURST_ALLOWANCE[region][window];
  if (ripe <= allowed && all <= allowedOfAll) return undefined;
  const withYoung = ripe <= allowed;
  return {
    scope: region,
    window,
    includesRecent: withYoung,
    unverified: withYoung ? all : ripe,
    allowed: withYoung ? allowedOfAll : allowed,
    verified: traffic[window].verified + traffic.recent.verified,
    enforced: settings.mode === 'enforce',
  };
}

/** Whether a prefix has fewer unverified texts in a day than its share, without floor or credit. */
function isTrusted(prefix: DestinationCounts, settings: PumpingConfig): boolean {
  return (
    unverified(prefix.day) + unverified(prefix.recent) <= verifiedAllowance(prefix, 'day', settings)
  );
}

/** The share of what is verified in the window, or usually in as much time. */
function verifiedAllowance(
  { recent, hour, day, twoWeeks }: DestinationCounts,
  window: Window,
  { unverifiedRatio }: PumpingConfig,
): number {
  const verified = (before: SendCounts) => before.verified + recent.verified;
  const usual =
    window === 'hour'
      ? Math.max(verified(hour), verified(day) / 24, verified(twoWeeks) / (14 * 24))
      : Math.max(verified(day), verified(twoWeeks) / 14);
  return unverifiedRatio * usual;
}

const unverified = ({ sends, verified }: SendCounts): number => sends - verified;
