import { pino, type DestinationStream } from 'pino';

const STDOUT = 1;

/**
 * The log for machines: JSON lines on stdout. Those of one turn of the event loop are written
 * together, for a write costs more than all that is in it; what exits first writes the rest.
 */
export function jsonLog(): DestinationStream {
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
