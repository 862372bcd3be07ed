const FREE = 0;
const ACQUIRED = 1;
/** Acquired, and the other thread waits to keep it forever. */
const WANTED = 2;
const KEPT = 3;

/** A lock between two threads. A waiting thread is blocked and receives no messages. */
export class SharedLock {
  private readonly word: Int32Array;

  /** @param memory shared by the threads; a new lock is free. */
  constructor(readonly memory = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)) {
    this.word = new Int32Array(memory);
  }

  /** Waits until it is free; forever, if the other thread keeps it. */
  acquire(): void {
    for (let state = this.swap(FREE, ACQUIRED); state !== FREE; state = this.swap(FREE, ACQUIRED)) {
      Atomics.wait(this.word, 0, state);
    }
  }

  release(): void {
    if (this.swap(ACQUIRED, FREE) === WANTED) this.swap(WANTED, KEPT);
    Atomics.notify(this.word, 0);
  }

  /**
   * Keeps it from the other thread's next release on, however fast that one acquires it again.
   * @param timeoutMs after which it returns without the lock.
   */
  acquireForever(timeoutMs: number): void {
    for (let requested = false; !requested;) {
      requested = this.swap(FREE, KEPT) !== ACQUIRED || this.swap(ACQUIRED, WANTED) === ACQUIRED;
    }
    Atomics.wait(this.word, 0, WANTED, timeoutMs);
  }

  /** @returns the state before, which is `from` if it has changed. */
  private swap(from: number, to: number): number {
    return Atomics.compareExchange(this.word, 0, from, to);
  }
}
