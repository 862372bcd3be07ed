import { EventEmitter } from 'node:events';
import type { DestinationStream } from 'pino';
import sonicBoom from 'sonic-boom';
import { seconds } from '../common/durations.js';

const STDOUT = 1;

/** Room for lines that cannot be written yet: about 12,000, as many as in a second at full load. */
const MAX_BUFFER_BYTES = 4 * 1024 * 1024;
/** How long to wait for room in a pipe, which takes 64 KiB at a time. */
const RETRY_INTERVAL_MS = 20;
const EXIT_RETRY_INTERVAL_MS = 5;
/** How long the process waits at its exit for a reader that is slow. */
const EXIT_TIMEOUT_MS = seconds(1);

interface StdoutEvents {
  /** Lines were dropped, because the buffer is full. */
  lost: [lines: number];
  /** Writing works again. `lostLines` were lost since it failed with `errorCode`. */
  recovered: [lostLines: number, errorCode: string | undefined];
}

/**
 * Standard output that neither fails nor blocks: on a full disk, without a reader or with a reader
 * that is too slow, lines are kept, and lost once the buffer is full. Only a paused terminal (Ctrl-S)
 * blocks the process.
 *
 * The lines of one turn of the event loop share one write, because the system call costs more than
 * the lines. At exit the rest is written.
 */
export class StdoutStream extends EventEmitter<StdoutEvents> implements DestinationStream {
  /** The lines of this turn of the event loop. */
  private lines = '';
  private lostLines = 0;
  private errorCode: string | undefined;
  private errorCount = 0;
  private retryTimer: NodeJS.Timeout | undefined;
  /** Writes synchronously, keeps what it cannot write, and emits an error. */
  private readonly output: sonicBoom.SonicBoom;

  constructor(fd = STDOUT, maxLength = MAX_BUFFER_BYTES) {
    super();
    // Node makes pipes and sockets non-blocking when it creates their streams. Without a listener,
    // an error of a stream ends the process.
    for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
    // A write to a full pipe fails with EAGAIN, on which sonic-boom by default blocks.
    const retryEAGAIN = () => false;
    this.output = new sonicBoom.SonicBoom({ fd, sync: true, maxLength, retryEAGAIN });
    this.output.on('error', (error: NodeJS.ErrnoException) => {
      this.errorCount++;
      this.errorCode = error.code;
      this.retryTimer ??= setInterval(this.retry, RETRY_INTERVAL_MS).unref();
    });
    this.output.on('drop', (text: string) => {
      const lines = text.split('\n').length - 1;
      this.lostLines += lines;
      this.emit('lost', lines);
    });
    process.once('exit', this.flushAtExit);
  }

  write(text: string): void {
    if (this.lines === '') setImmediate(this.flush);
    this.lines += text;
  }

  private readonly flush = (): void => {
    if (this.lines === '') return;
    const { lines } = this;
    this.lines = '';
    this.output.write(lines);
  };

  /** Tries to write the kept lines. */
  private readonly retry = (): void => {
    const errorsBefore = this.errorCount;
    this.output.write('');
    if (this.errorCount > errorsBefore) return;
    clearInterval(this.retryTimer);
    this.retryTimer = undefined;
    if (this.lostLines > 0) this.emit('recovered', this.lostLines, this.errorCode);
    this.lostLines = 0;
  };

  private readonly flushAtExit = (): void => {
    const deadline = performance.now() + EXIT_TIMEOUT_MS;
    do {
      // Write the kept lines first: the last line may report lost ones, and needs room.
      if (this.retryTimer) this.retry();
      if (!this.retryTimer) this.flush();
      // Waiting helps only if the reader is slow.
      if (!this.retryTimer || this.errorCode !== 'EAGAIN') return;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, EXIT_RETRY_INTERVAL_MS);
    } while (performance.now() < deadline);
  };
}
