import { Fifo } from './fifo.js';

interface Entry<T> {
  readonly group: string;
  readonly item: T;
}

/**
 * The newest items, each in a group by which it is found again. Older ones are forgotten, so that a
 * sandbox left running does not grow; no call looks through items that it does not return.
 */
export class Recent<T> {
  private all = new Fifo<Entry<T>>();
  private groups = new Map<string, Fifo<T>>();

  /** @param capacity items kept, of all groups together. */
  constructor(private readonly capacity: number) {}

  /** Adds an item; answers the one that had to go for it. */
  add(group: string, item: T): T | undefined {
    this.all.push({ group, item });
    let ofGroup = this.groups.get(group);
    if (!ofGroup) this.groups.set(group, (ofGroup = new Fifo()));
    ofGroup.push(item);
    return this.all.size > this.capacity ? this.forgetOldest() : undefined;
  }

  /** Newest first; of one group, or of all. */
  list(group?: string): T[] {
    if (group !== undefined) return this.groups.get(group)?.newestFirst() ?? [];
    return this.all.newestFirst().map(({ item }) => item);
  }

  clear(): void {
    this.all = new Fifo();
    this.groups = new Map();
  }

  private forgetOldest(): T | undefined {
    const oldest = this.all.shift();
    if (!oldest) return undefined;
    // The oldest of all is the oldest of its group.
    const ofGroup = this.groups.get(oldest.group);
    ofGroup?.shift();
    if (ofGroup?.size === 0) this.groups.delete(oldest.group);
    return oldest.item;
  }
}
