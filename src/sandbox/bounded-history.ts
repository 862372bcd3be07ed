import { FifoQueue } from './fifo-queue.js';

interface HistoryEntry<T> {
  readonly group: string;
  readonly item: T;
}

/**
 * The newest items, each in a group by which it is found again. Older ones are forgotten, so that a
 * sandbox left running does not grow; no call looks through items that it does not return.
 */
export class BoundedHistory<T> {
  private all = new FifoQueue<HistoryEntry<T>>();
  private groups = new Map<string, FifoQueue<T>>();

  /** @param capacity items kept, of all groups together. */
  constructor(private readonly capacity: number) {}

  /** Adds an item; answers the one that had to go for it. */
  addItem(group: string, item: T): T | undefined {
    this.all.enqueue({ group, item });
    let ofGroup = this.groups.get(group);
    if (!ofGroup) this.groups.set(group, (ofGroup = new FifoQueue()));
    ofGroup.enqueue(item);
    return this.all.size > this.capacity ? this.removeOldest() : undefined;
  }

  /** Newest first; of one group, or of all. */
  listNewestFirst(group?: string): T[] {
    if (group !== undefined) return this.groups.get(group)?.listNewestFirst() ?? [];
    return this.all.listNewestFirst().map(({ item }) => item);
  }

  removeAll(): void {
    this.all = new FifoQueue();
    this.groups = new Map();
  }

  private removeOldest(): T | undefined {
    const oldest = this.all.dequeue();
    if (!oldest) return undefined;
    // The oldest of all is the oldest of its group.
    const ofGroup = this.groups.get(oldest.group);
    ofGroup?.dequeue();
    if (ofGroup?.size === 0) this.groups.delete(oldest.group);
    return oldest.item;
  }
}
