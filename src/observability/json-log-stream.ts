import { pino, type DestinationStream } from 'pino';

const STDOUT = 1;

/**
 * Writes JSON lines to stdout. The lines of one turn of the event loop share one write, because the
 * system call costs more than the lines. At exit the rest is written.
 */
export function createJsonLogStream(): DestinationStream {
  const stdout = pino.destination({ dest: STDOUT, sync: true });
  let lines = '';
  const flush = (): void => {
    if (lines === '') return;
    stdout.write(lines);
    lines = '';
  };
  process.once('exit', flush);
  return {
    write: (line) => {
      if (lines === '') setImmediate(flush);
      lines += line;
    },
  };
}
