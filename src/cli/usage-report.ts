import {
  addCounts,
  NO_USAGE,
  type Usage,
  type UsageCounts,
  type UsageKey,
} from '../storage/usage-counts.js';
import { formatCosts, type Prices } from './usage-prices.js';

/** By what a report is grouped. */
export const DIMENSIONS = ['day', 'client', 'country', 'provider', 'channel'] as const;
export type Dimension = (typeof DIMENSIONS)[number];

/** The first and the last day. */
export interface Period {
  readonly from: string;
  readonly to: string;
}

/** A group of a report, or the total. */
interface UsageGroup {
  readonly labels: readonly string[];
  readonly counts: UsageCounts;
  /** In millionths. */
  readonly cost: bigint;
}

/** The result of a report. Its JSON form is documented in docs/usage.md. */
export interface UsageDocument extends Period {
  readonly by: readonly Dimension[];
  /** Absent without prices. */
  readonly currency?: string;
  /** Sorted by their names. */
  readonly groups: readonly UsageEntry[];
  readonly total: UsageEntry;
  /** Sends that the costs do not include. */
  readonly unpriced?: readonly { country: string; channel: string; sends: number }[];
}

type UsageEntry = Readonly<Partial<Record<Dimension, string>>> & {
  readonly verifications: number;
  readonly sends: number;
  /** `null` if no delivery was reported. */
  readonly delivered: number | null;
  readonly undelivered: number | null;
  readonly verified: number;
  /** Verified verifications of all; `null` without verifications. */
  readonly conversion: number | null;
  readonly blocked: number;
  /** A decimal. Absent without prices. */
  readonly estimatedCost?: string;
};

/** Adds usage up by group. It keeps groups only, however much usage there is. */
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
    const cost = this.getCost(usage);
    const group = this.groups.get(key) ?? { labels, counts: NO_USAGE, cost: 0n };
    this.groups.set(key, addUsage(group, usage, cost));
    this.total = addUsage(this.total, usage, cost);
  }

  toDocument(period: Period): UsageDocument {
    const { by, prices } = this;
    const groups = [...this.groups.values()].sort((a, b) => compareLabels(a.labels, b.labels));
    const [totalCost = '', ...costs] = formatCosts([this.total, ...groups].map(({ cost }) => cost));
    const getCost = (cost: string | undefined) => (prices ? cost : undefined);
    return {
      ...period,
      by,
      ...(prices && { currency: prices.currency }),
      groups: groups.map((group, index) => toEntry(by, group, getCost(costs[index]))),
      total: toEntry(by, this.total, getCost(totalCost)),
      ...(prices && { unpriced: [...this.unpriced.values()] }),
    };
  }

  private getCost(usage: Usage): bigint {
    const cost = this.prices ? this.prices.getCost(usage) : 0n;
    if (cost !== undefined) return cost;
    const { channel, sends } = usage;
    const country = getLabel(usage, 'country');
    const key = `${country} ${channel}`;
    const others = this.unpriced.get(key)?.sends ?? 0;
    this.unpriced.set(key, { country, channel, sends: others + sends });
    return 0n;
  }
}

/** How a report names an empty part of a key. */
function getLabel(usage: UsageKey, dimension: Dimension): string {
  if (usage[dimension] !== '') return usage[dimension];
  return dimension === 'provider' ? 'none' : 'unknown';
}

const addUsage = (
  { labels, counts, cost }: UsageGroup,
  usage: Usage,
  more: bigint,
): UsageGroup => ({
  labels,
  counts: addCounts(counts, usage),
  cost: cost + more,
});

function compareLabels(a: readonly string[], b: readonly string[]): number {
  const [x, y] = [a.join('\n'), b.join('\n')];
  if (x === y) return 0;
  return x < y ? -1 : 1;
}

function toEntry(
  by: readonly Dimension[],
  { labels, counts }: UsageGroup,
  estimatedCost: string | undefined,
): UsageEntry {
  const { verifications, sends, delivered, undelivered, verified, blocked } = counts;
  const isReported = delivered + undelivered > 0;
  const names = labels.map((label, index) => [by[index], label] as const);
  return {
    ...(Object.fromEntries(names) as Partial<Record<Dimension, string>>),
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
