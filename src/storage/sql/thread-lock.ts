const FREE = 0;
const TAKEN = 1;

/** A lock between threads. One that waits for it does nothing else, not even receive messages. */
export class ThreadLock {
  private readonly word: Int32Array;

  /** @param memory what the threads share of it; a new lock is free. */
  constructor(readonly memory = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)) {
    this.word = new Int32Array(memory);
  }

  /**
   * Takes it, once it is free.
   * @param patienceMs after so many milliseconds without it, goes on all the same.
   */
  take(patienceMs = Infinity): void {
    while (Atomics.compareExchange(this.word, 0, FREE, TAKEN) !== FREE) {
      if (Atomics.wait(this.word, 0, TAKEN, patienceMs) === 'timed-out') return;
    }
  }

  release(): void {
    Atomics.store(this.word, 0, FREE);
    Atomics.notify(this.word, 0, 1);
  }
}
