/** Consumed items are removed in bulk, but only once there are this many. */
const COMPACT_THRESHOLD = 1_024;

/** First in, first out. Unlike `Array.shift`, `dequeue` takes constant time on average. */
export class FifoQueue<T> {
  private items: T[] = [];
  private head = 0;

  get size(): number {
    return this.items.length - this.head;
  }

  /** The oldest item, which stays in the queue. */
  peek(): T | undefined {
    return this.items[this.head];
  }

  enqueue(item: T): void {
    this.items.push(item);
  }

  /** Removes and returns the oldest item. */
  dequeue(): T | undefined {
    if (this.size === 0) return undefined;
    const item = this.items[this.head];
    this.head += 1;
    if (this.head >= COMPACT_THRESHOLD && this.head * 2 >= this.items.length) {
      this.items = this.items.slice(this.head);
      this.head = 0;
    }
    return item;
  }

  listNewestFirst(): T[] {
    return this.items.slice(this.head).reverse();
  }
}
