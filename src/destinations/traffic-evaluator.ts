import type { BudgetScope } from '../common/label-values.js';
import type { PumpingConfig } from '../config/pumping.config.js';
import type {
  BudgetViolation,
  DestinationCounts,
  DestinationScope,
  SendCounts,
  TrafficEvaluator,
} from '../storage/limit.types.js';

type BudgetWindow = BudgetViolation['window'];
type DestinationTraffic = Parameters<TrafficEvaluator>[0];

interface BudgetKind {
  readonly destination: DestinationScope;
  readonly window: BudgetWindow;
}

/** The budgets in the order in which they are checked. */
const BUDGET_KINDS: readonly BudgetKind[] = [
  { destination: 'prefix', window: 'hour' },
  { destination: 'prefix', window: 'day' },
  { destination: 'country', window: 'hour' },
  { destination: 'country', window: 'day' },
];

/** The scopes that count the client's own messages alone. */
const OWN_SCOPES = { prefix: 'client_prefix', country: 'client_country' } as const;

const PREFIX_KINDS = BUDGET_KINDS.filter(({ destination }) => destination === 'prefix');

/**
 * By how many unverified messages a budget may be exceeded if recent ones are counted too. Users
 * verify their codes within minutes; an attack reaches this limit before its first codes expire.
 * The allowance of a day is not renewed until the messages of an attack are two weeks old.
 */
const BURST_ALLOWANCE: Record<DestinationScope, Record<BudgetWindow, number>> = {
  prefix: { hour: 25, day: 10 },
  country: { hour: 100, day: 100 },
};

/**
 * A client keeps this share of the floor and of the burst allowance even if other clients exceed
 * the shared budget: its reserve. So an attacker with the keys of n clients can send at most
 * (n + 1) / 2 times what one client can, where no other client has verified messages.
 */
const RESERVED_SHARE = 0.5;

/**
 * Checks the budgets of unverified messages of a prefix and its country, per hour and per day. A
 * budget is a fixed floor plus `unverifiedRatio` times the verified messages. The country's budgets
 * do not block a prefix whose messages the client's own users verify.
 *
 * The client's own messages are checked first. The budget of all clients then blocks a client only
 * if its own messages also exceed its reserve. For a sole client, both are one budget.
 */
export function createTrafficEvaluator(config: PumpingConfig): TrafficEvaluator {
  return (traffic) => {
    const kinds = skipsCountry(traffic, config) ? PREFIX_KINDS : BUDGET_KINDS;
    return (
      findFirst(kinds, (kind) => checkOwnBudget(traffic, kind, 1, config)) ??
      findFirst(kinds, (kind) => checkSharedBudget(traffic, kind, config))
    );
  };
}

function checkOwnBudget(
  traffic: DestinationTraffic,
  kind: BudgetKind,
  share: number,
  config: PumpingConfig,
): BudgetViolation | undefined {
  const scope = OWN_SCOPES[kind.destination];
  return checkBudget(kind, scope, traffic[scope], share, config);
}

/** Finds a violation by all clients together, unless this client is within its reserve. */
function checkSharedBudget(
  traffic: DestinationTraffic,
  kind: BudgetKind,
  config: PumpingConfig,
): BudgetViolation | undefined {
  const scope = kind.destination;
  const violation = checkBudget(kind, scope, traffic[scope], 1, config);
  return violation && checkOwnBudget(traffic, kind, RESERVED_SHARE, config) && violation;
}

/** @param share of the floor and of the burst allowance */
function checkBudget(
  { destination, window }: BudgetKind,
  scope: BudgetScope,
  counts: DestinationCounts,
  share: number,
  config: PumpingConfig,
): BudgetViolation | undefined {
  const floor = share * (window === 'hour' ? config.floorPerHour : config.floorPerDay);
  const allowed = Math.floor(floor + getVerifiedAllowance(counts, window, config));
  const unverified = countUnverified(counts[window]);
  const unverifiedWithRecent = unverified + countUnverified(counts.recent);
  const burst = share * BURST_ALLOWANCE[destination][window];
  const usedBefore = window === 'day' ? getExcessBeforeDay(counts, config) : 0;
  const allowedWithRecent = allowed + Math.floor(Math.max(0, burst - usedBefore));
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

/**
 * By how much the unverified messages of two weeks, without the last day, exceed `unverifiedRatio`
 * times the verified ones. An attack has used as much of the burst allowance on earlier days.
 */
const getExcessBeforeDay = ({ day, twoWeeks }: DestinationCounts, config: PumpingConfig): number =>
  Math.max(0, countExcess(twoWeeks, config) - countExcess(day, config));

/**
 * Whether the day's unverified messages to a prefix are within its budget without the floor. Those
 * to its country must not exceed its budget by far, in the last day or in two weeks. Otherwise an
 * attack could use up the budget of the country, and then those of its prefixes.
 */
function skipsCountry(
  { client_prefix: prefix, client_country: country }: DestinationTraffic,
  config: PumpingConfig,
): boolean {
  // An attack alone exceeds the verified messages by the floor and one burst at most.
  const limit = config.floorPerDay + 2 * BURST_ALLOWANCE.country.day;
  const { recent, twoWeeks } = country;
  return (
    countDayExcess(prefix, config) <= 0 &&
    (countDayExcess(country, config) <= limit ||
      countExcess(recent, config) + countExcess(twoWeeks, config) <= limit)
  );
}

/** The day's unverified messages, recent ones included, beyond those that verified ones allow. */
const countDayExcess = (counts: DestinationCounts, config: PumpingConfig): number =>
  countUnverified(counts.day) +
  countUnverified(counts.recent) -
  getVerifiedAllowance(counts, 'day', config);

/** The unverified messages beyond those that the verified ones of the same time allow. */
const countExcess = (counts: SendCounts, { unverifiedRatio }: PumpingConfig): number =>
  countUnverified(counts) - unverifiedRatio * counts.verified;

/** The ratio times the verified messages: of the window, or a longer-term average if higher. */
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

function findFirst<T, R>(items: readonly T[], find: (item: T) => R | undefined): R | undefined {
  for (const item of items) {
    const found = find(item);
    if (found !== undefined) return found;
  }
  return undefined;
}
