import { FifoQueue } from './fifo-queue.js';

interface BoundedHistoryEntry<T> {
  readonly group: string;
  readonly item: T;
}

/**
 * Keeps the newest items, in groups. At capacity, each new item replaces the oldest item of all groups.
 * Listing a group takes time in proportion to the size of that group only.
 */
export class BoundedHistory<T> {
  private all = new FifoQueue<BoundedHistoryEntry<T>>();
  private groups = new Map<string, FifoQueue<T>>();

  /** @param capacity number of items kept, over all groups. */
  constructor(private readonly capacity: number) {}

  /** @returns the item that was removed to make room; `undefined` below capacity. */
  addItem(group: string, item: T): T | undefined {
    this.all.enqueue({ group, item });
    let groupItems = this.groups.get(group);
    if (!groupItems) this.groups.set(group, (groupItems = new FifoQueue()));
    groupItems.enqueue(item);
    return this.all.size > this.capacity ? this.removeOldest() : undefined;
  }

  /** Lists the items of one group, or of all groups. */
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
    // The oldest item of all is also the oldest of its group.
    const groupItems = this.groups.get(oldest.group);
    groupItems?.dequeue();
    if (groupItems?.size === 0) this.groups.delete(oldest.group);
    return oldest.item;
  }
}
