/** Below this, moving the items costs less than thinking about it. */
const COMPACT_FROM = 1_024;

/** First in, first out, both in constant time on average, which `Array.shift` is not. */
export class Fifo<T> {
  private items: T[] = [];
  private head = 0;

  get size(): number {
    return this.items.length - this.head;
  }

  /** The oldest. */
  first(): T | undefined {
    return this.items[this.head];
  }

  push(item: T): void {
    this.items.push(item);
  }

  /** Takes the oldest out. */
  shift(): T | undefined {
    if (this.size === 0) return undefined;
    const item = this.items[this.head];
    this.head += 1;
    if (this.head >= COMPACT_FROM && this.head * 2 >= this.items.length) {
      this.items = this.items.slice(this.head);
      this.head = 0;
    }
    return item;
  }

  newestFirst(): T[] {
    return this.items.slice(this.head).reverse();
  }
}
