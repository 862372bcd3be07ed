const FREE = 0;
const ACQUIRED = 1;
/** Acquired, and the other thread has called `acquireForever`. */
const WANTED = 2;
/** Acquired by `acquireForever`. */
const KEPT = 3;

/** A lock between two threads. A waiting thread is blocked and receives no messages. */
export class SharedLock {
  private readonly word: Int32Array;

  /** @param memory shared by the threads; a new lock is free. */
  constructor(readonly memory = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)) {
    this.word = new Int32Array(memory);
  }

  /** Waits until the lock is free; forever, if the other thread keeps it. */
  acquire(): void {
    for (let state = this.swap(FREE, ACQUIRED); state !== FREE; state = this.swap(FREE, ACQUIRED)) {
      Atomics.wait(this.word, 0, state);
    }
  }

  /** Frees the lock, or gives it to the thread that has called `acquireForever`. */
  release(): void {
    if (this.swap(ACQUIRED, FREE) === WANTED) this.swap(WANTED, KEPT);
    Atomics.notify(this.word, 0);
  }

  /**
   * Acquires the lock for good. If the other thread has the lock, its next release hands the lock
   * over, before that thread can acquire the lock again.
   * @param timeoutMs how long this waits. A release after that still hands the lock over.
   */
  acquireForever(timeoutMs: number): void {
    for (let isKeptOrWanted = false; !isKeptOrWanted;) {
      // The other thread may release or acquire the lock between the two swaps.
      isKeptOrWanted =
        this.swap(FREE, KEPT) !== ACQUIRED || this.swap(ACQUIRED, WANTED) === ACQUIRED;
    }
    Atomics.wait(this.word, 0, WANTED, timeoutMs);
  }

  /** @returns the previous state: `from` if the swap was made. */
  private swap(from: number, to: number): number {
    return Atomics.compareExchange(this.word, 0, from, to);
  }
}
