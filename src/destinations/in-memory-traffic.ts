import { bucketAt, WINDOWS, firstRecentBucket } from '../storage/time-buckets.js';
import type { DestinationCounts, SendCounts } from '../storage/traffic.types.js';

type Buckets = Map<number, SendCounts>;

/** The traffic of destinations in this process, in the same slots and windows as the store's. */
export class InMemoryTraffic {
  private readonly subjects = new Map<string, Buckets>();
  /** What the subjects had before their young slots, for the slot that is under way. */
  private settled = { slot: 0, of: new Map<string, Omit<DestinationCounts, 'recent'>>() };

  constructor(private readonly ttlMs: number) {}

  /** Counts in the slot of a text that was asked for at this time. */
  add(subject: string, at: number, { sends, verified }: SendCounts): void {
    const slots = this.subjects.get(subject) ?? new Map<number, SendCounts>();
    this.subjects.set(subject, slots);
    const slot = bucketAt(at);
    const before = slots.get(slot) ?? { sends: 0, verified: 0 };
    slots.set(slot, { sends: before.sends + sends, verified: before.verified + verified });
  }

  read(subject: string, now: number): DestinationCounts {
    const slot = bucketAt(now);
    if (this.settled.slot !== slot) this.settled = { slot, of: new Map() };
    const slots: Buckets = this.subjects.get(subject) ?? new Map<number, SendCounts>();
    const youngest = firstRecentBucket(slot, this.ttlMs);
    const settled = this.settled.of.get(subject) ?? settledOf(slots, slot, youngest);
    this.settled.of.set(subject, settled);
    return { recent: sum(slots, youngest, slot + 1), ...settled };
  }
}

function settledOf(slots: Buckets, slot: number, end: number): Omit<DestinationCounts, 'recent'> {
  for (const old of slots.keys()) if (old < slot - WINDOWS.twoWeeks) slots.delete(old);
  return {
    hour: sum(slots, slot - WINDOWS.hour, end),
    day: sum(slots, slot - WINDOWS.day, end),
    twoWeeks: sum(slots, slot - WINDOWS.twoWeeks, end),
  };
}

function sum(slots: Buckets, from: number, end: number): SendCounts {
  let [sends, verified] = [0, 0];
  for (let slot = from; slot < end; slot += 1) {
    const counted = slots.get(slot);
    sends += counted?.sends ?? 0;
    verified += counted?.verified ?? 0;
  }
  return { sends, verified };
}
