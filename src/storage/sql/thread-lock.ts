const FREE = 0;
const TAKEN = 1;
/** Taken, and somebody is to keep it after that. */
const WANTED = 2;
const KEPT = 3;

/** A lock between two threads. One that waits for it does nothing else, not even receive messages. */
export class ThreadLock {
  private readonly word: Int32Array;

  /** @param memory what the threads share of it; a new lock is free. */
  constructor(readonly memory = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)) {
    this.word = new Int32Array(memory);
  }

  /** Takes it, once it is free; never, if the other keeps it. */
  take(): void {
    for (let state = this.swap(FREE, TAKEN); state !== FREE; state = this.swap(FREE, TAKEN)) {
      Atomics.wait(this.word, 0, state);
    }
  }

  release(): void {
    if (this.swap(TAKEN, FREE) === WANTED) this.swap(WANTED, KEPT);
    Atomics.notify(this.word, 0);
  }

  /**
   * Takes it for good, as soon as the other releases it: however fast that one is, it does not come
   * in again.
   * @param patienceMs after so many milliseconds without it, goes on all the same.
   */
  keep(patienceMs: number): void {
    for (let settled = false; !settled;) {
      settled = this.swap(FREE, KEPT) !== TAKEN || this.swap(TAKEN, WANTED) === TAKEN;
    }
    Atomics.wait(this.word, 0, WANTED, patienceMs);
  }

  /** @returns the state before, which is `from` if it has changed. */
  private swap(from: number, to: number): number {
    return Atomics.compareExchange(this.word, 0, from, to);
  }
}
