/** Dequeued items stay in the array until they are at least this many and half of the array. */
const COMPACT_THRESHOLD = 1_024;

/** First in, first out. Unlike `Array.shift`, `dequeue` takes constant time on average. */
export class FifoQueue<T> {
  private items: T[] = [];
  private head = 0;

  get size(): number {
    return this.items.length - this.head;
  }

  /** Returns the oldest item, which stays in the queue; `undefined` if the queue is empty. */
  peek(): T | undefined {
    return this.items[this.head];
  }

  enqueue(item: T): void {
    this.items.push(item);
  }

  /** Removes and returns the oldest item; `undefined` if the queue is empty. */
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

  /** Returns the newest item, which stays in the queue; `undefined` if the queue is empty. */
  peekNewest(): T | undefined {
    return this.size === 0 ? undefined : this.items.at(-1);
  }

  /** Removes the newest item, if there is one. */
  removeNewest(): void {
    if (this.size > 0) this.items.pop();
  }

  listNewestFirst(): T[] {
    return this.items.slice(this.head).reverse();
  }
}
