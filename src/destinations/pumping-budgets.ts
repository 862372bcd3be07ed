import type { PumpingSettings } from '../config/app-config.js';
import type { DestinationTraffic, Excess, Judge, Region, Traffic } from '../storage/traffic.js';

type Window = Excess['window'];

/**
 * How many unverified texts beyond a budget are borne while their codes may still be typed. Healthy
 * traffic pays them back within minutes; a fast attack stops here instead of when its codes expire.
 */
const CREDIT: Record<Region, Record<Window, number>> = {
  prefix: { hour: 25, day: 10 },
  country: { hour: 100, day: 100 },
};

const REGIONS = ['prefix', 'country'] as const satisfies readonly Region[];
const WINDOWS = ['hour', 'day'] as const satisfies readonly Window[];

/**
 * Judges destinations by their unverified texts. In an hour and in a day, a prefix and a country
 * may have a floor of them and, beyond it, a share of what they verify: in that window or, where
 * that is more, usually.
 */
export function pumpingJudge(settings: PumpingSettings): Judge {
  return (traffic) => {
    for (const region of REGIONS) {
      for (const window of WINDOWS) {
        const excess = excessOf(traffic[region], region, window, settings);
        if (excess) return excess;
      }
    }
    return undefined;
  };
}

function excessOf(
  traffic: DestinationTraffic,
  region: Region,
  window: Window,
  { mode, floorPerHour, floorPerDay, unverifiedRatio }: PumpingSettings,
): Excess | undefined {
  const floor = window === 'hour' ? floorPerHour : floorPerDay;
  const allowed = Math.floor(floor + unverifiedRatio * usuallyVerified(traffic, window));
  const ripe = unverified(traffic[window]);
  const all = ripe + unverified(traffic.young);
  const excess = (withYoung: boolean): Excess => ({
    region,
    window,
    withYoung,
    unverified: withYoung ? all : ripe,
    allowed: withYoung ? allowed + CREDIT[region][window] : allowed,
    verified: traffic[window].verified + traffic.young.verified,
    enforced: mode === 'enforce',
  });
  if (ripe > allowed) return excess(false);
  if (all > allowed + CREDIT[region][window]) return excess(true);
  return undefined;
}

/** Verified texts in the window, or in as much time before. */
function usuallyVerified({ young, hour, day, twoWeeks }: DestinationTraffic, window: Window) {
  const since = (before: Traffic) => before.verified + young.verified;
  return window === 'hour'
    ? Math.max(since(hour), since(day) / 24, since(twoWeeks) / (14 * 24))
    : Math.max(since(day), since(twoWeeks) / 14);
}

const unverified = ({ texts, verified }: Traffic): number => texts - verified;
