import { addCounts, NO_USAGE, type Usage, type UsageCounts } from '../storage/usage-counts.js';
import { formatCosts, type Prices } from './usage-prices.js';

/** What usage can be grouped by. */
export const DIMENSIONS = ['day', 'client', 'country', 'provider', 'channel'] as const;
export type Dimension = (typeof DIMENSIONS)[number];

/** The first and the last day (UTC), such as `2026-11-30`. */
export interface Period {
  readonly from: string;
  readonly to: string;
}

/** A group of a report, or the total. */
interface UsageGroup {
  /** The value of each dimension that the report groups by; empty for the total. */
  readonly labels: readonly string[];
  readonly counts: UsageCounts;
  /** The sum in millionths of the currency's unit. */
  readonly cost: bigint;
}

/** The result of a report. Its JSON form is documented in docs/usage.md. */
export interface UsageDocument extends Period {
  readonly by: readonly Dimension[];
  /** ISO 4217 code. Absent without prices. */
  readonly currency?: string;
  /** Sorted by the values of their dimensions. */
  readonly groups: readonly UsageEntry[];
  readonly total: UsageEntry;
  /** Sends that the costs do not include, because they have no price. Absent without prices. */
  readonly unpriced?: readonly { country: string; channel: string; sends: number }[];
}

type UsageEntry = Readonly<Partial<Record<Dimension, string>>> & {
  readonly verifications: number;
  readonly sends: number;
  /** By the delivery reports; `null`, as is `undelivered`, if these report no final result. */
  readonly delivered: number | null;
  readonly undelivered: number | null;
  readonly verified: number;
  /** The share of verifications that were verified, 0 to 1; `null` without verifications. */
  readonly conversion: number | null;
  /** Sends that a rule or a limit refused. */
  readonly blocked: number;
  /** A decimal, in `currency`. Absent without prices. */
  readonly estimatedCost?: string;
};

/** Adds usage up by group. Keeps only the sums of each group in memory. */
export class UsageReport {
  private readonly groups = new Map<string, UsageGroup>();
  private readonly unpriced = new Map<
    string,
    { country: string; channel: string; sends: number }
  >();
  private total: UsageGroup = { labels: [], counts: NO_USAGE, cost: 0n };

  constructor(
    private readonly by: readonly Dimension[],
    private readonly prices: Prices | undefined,
  ) {}

  add(usage: Usage): void {
    const labels = this.by.map((dimension) => getLabel(usage, dimension));
    const key = labels.join('\n');
    const cost = this.prices ? this.prices.getCost(usage) : 0n;
    if (cost === undefined) this.addUnpriced(usage);
    const group = this.groups.get(key) ?? { labels, counts: NO_USAGE, cost: 0n };
    this.groups.set(key, addUsage(group, usage, cost ?? 0n));
    this.total = addUsage(this.total, usage, cost ?? 0n);
  }

  toDocument(period: Period): UsageDocument {
    const { by, prices } = this;
    const groups = [...this.groups]
      .sort(([key], [otherKey]) => (key < otherKey ? -1 : 1))
      .map(([, group]) => group);
    const [totalCost = '', ...costs] = formatCosts([this.total, ...groups].map(({ cost }) => cost));
    const ifPriced = (cost: string | undefined) => (prices ? cost : undefined);
    return {
      ...period,
      by,
      ...(prices && { currency: prices.currency }),
      groups: groups.map((group, index) => toEntry(by, group, ifPriced(costs[index]))),
      total: toEntry(by, this.total, ifPriced(totalCost)),
      ...(prices && { unpriced: [...this.unpriced.values()] }),
    };
  }

  private addUnpriced(usage: Usage): void {
    const { channel, sends } = usage;
    const country = getLabel(usage, 'country');
    const key = `${country} ${channel}`;
    const earlierSends = this.unpriced.get(key)?.sends ?? 0;
    this.unpriced.set(key, { country, channel, sends: earlierSends + sends });
  }
}

/** The value of a dimension; `none` or `unknown` if it is empty. */
function getLabel(usage: Usage, dimension: Dimension): string {
  if (usage[dimension] !== '') return usage[dimension];
  return dimension === 'provider' ? 'none' : 'unknown';
}

const addUsage = (
  { labels, counts, cost }: UsageGroup,
  usage: Usage,
  usageCost: bigint,
): UsageGroup => ({
  labels,
  counts: addCounts(counts, usage),
  cost: cost + usageCost,
});

function toEntry(
  by: readonly Dimension[],
  { labels, counts }: UsageGroup,
  estimatedCost: string | undefined,
): UsageEntry {
  const { verifications, sends, delivered, undelivered, verified, blocked } = counts;
  const isReported = delivered + undelivered > 0;
  const dimensions = labels.map((label, index) => [by[index], label] as const);
  return {
    ...(Object.fromEntries(dimensions) as Partial<Record<Dimension, string>>),
    verifications,
    sends,
    delivered: isReported ? delivered : null,
    undelivered: isReported ? undelivered : null,
    verified,
    conversion: verifications === 0 ? null : Math.round((verified / verifications) * 1e4) / 1e4,
    blocked,
    ...(estimatedCost !== undefined && { estimatedCost }),
  };
}
