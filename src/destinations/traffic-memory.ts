import { slotAt, WINDOWS, youngFrom } from '../storage/slots.js';
import type { DestinationTraffic, Traffic } from '../storage/traffic.js';

type Slots = Map<number, Traffic>;

/** The traffic of destinations in this process, in the same slots and windows as the store's. */
export class TrafficMemory {
  private readonly subjects = new Map<string, Slots>();
  /** What the subjects had before their young slots, for the slot that is under way. */
  private settled = { slot: 0, of: new Map<string, Omit<DestinationTraffic, 'young'>>() };

  constructor(private readonly ttlMs: number) {}

  /** Counts in the slot of a text that was asked for at this time. */
  add(subject: string, at: number, { texts, verified }: Traffic): void {
    const slots = this.subjects.get(subject) ?? new Map<number, Traffic>();
    this.subjects.set(subject, slots);
    const slot = slotAt(at);
    const before = slots.get(slot) ?? { texts: 0, verified: 0 };
    slots.set(slot, { texts: before.texts + texts, verified: before.verified + verified });
  }

  read(subject: string, now: number): DestinationTraffic {
    const slot = slotAt(now);
    if (this.settled.slot !== slot) this.settled = { slot, of: new Map() };
    const slots: Slots = this.subjects.get(subject) ?? new Map<number, Traffic>();
    const youngest = youngFrom(slot, this.ttlMs);
    const settled = this.settled.of.get(subject) ?? settledOf(slots, slot, youngest);
    this.settled.of.set(subject, settled);
    return { young: sum(slots, youngest, slot + 1), ...settled };
  }
}

function settledOf(slots: Slots, slot: number, end: number): Omit<DestinationTraffic, 'young'> {
  for (const old of slots.keys()) if (old < slot - WINDOWS.twoWeeks) slots.delete(old);
  return {
    hour: sum(slots, slot - WINDOWS.hour, end),
    day: sum(slots, slot - WINDOWS.day, end),
    twoWeeks: sum(slots, slot - WINDOWS.twoWeeks, end),
  };
}

function sum(slots: Slots, from: number, end: number): Traffic {
  let [texts, verified] = [0, 0];
  for (let slot = from; slot < end; slot += 1) {
    const counted = slots.get(slot);
    texts += counted?.texts ?? 0;
    verified += counted?.verified ?? 0;
  }
  return { texts, verified };
}
