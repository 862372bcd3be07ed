/** Below this, moving the items costs less than thinking about it. */
const COMPACT_THRESHOLD = 1_024;

/** First in, first out, both in constant time on average, which `Array.shift` is not. */
export class FifoQueue<T> {
  private items: T[] = [];
  private head = 0;

  get size(): number {
    return this.items.length - this.head;
  }

  /** The oldest. */
  peek(): T | undefined {
    return this.items[this.head];
  }

  enqueue(item: T): void {
    this.items.push(item);
  }

  /** Takes the oldest out. */
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
