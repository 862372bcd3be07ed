import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { minutes } from '../../src/common/durations.js';
import { spawnProgram, type ChildProgram } from '../support/child-program.js';
import { listen } from '../support/listen.js';
import { freePort } from '../support/services/ports.js';
import { toModuleUrl } from '../support/module-url.js';

/** At how many lines of its log, evenly spread, the service gets a signal. */
const SPREAD_LINES = 12;
/** Nest logs this in the turn of the event loop in which shutdown.ts registers its callback. */
const STARTED = 'Nest application successfully started';

/**
 * Sends SIGTERM to the process while pino makes the timestamp of this line of its log. Pino also
 * makes a timestamp when a logger is created, without a line.
 */
const SIGNAL_AT_LINE = toModuleUrl(`
  const { toISOString } = Date.prototype;
  let line = 0;
  Date.prototype.toISOString = function () {
    const isLine = new Error().stack.includes('at Pino.write');
    if (isLine && ++line === Number(process.env.SIGNAL_LINE)) process.kill(process.pid, 'SIGTERM');
    return toISOString.call(this);
  };
`);

describe('A service that starts', () => {
  let folder: string;
  let program: ChildProgram | undefined;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'otp-signals-'));
  });

  afterEach(async () => {
    await program?.stop();
    rmSync(folder, { recursive: true });
  });

  // This test fails if signals.ts replaces its listeners on the first signal.
  it(
    'ends on a signal at any line of its log',
    async () => {
      // The check of the account waits for it, and so logs no line at a time of its own.
      const silentProvider = await listen(createServer());
      const startWithSignalAt = async (line: number): Promise<ChildProgram> => {
        program = spawnProgram(`exec node ${resolve('.test-build/main.js')}`, folder, {
          PORT: String(await freePort()),
          DATA_DIR: folder,
          INFOBIP_BASE_URL: silentProvider.url,
          LOG_LEVEL: 'debug',
          NODE_OPTIONS: `--import ${SIGNAL_AT_LINE}`,
          SIGNAL_LINE: String(line),
        });
        return program;
      };
      const starting = await startWithSignalAt(0);
      await starting.printed(/Server listening.*\n/);
      const lines = starting.output.split('\n').filter((line) => line.startsWith('{'));
      await starting.stop();
      const started = lines.findIndex((line) => line.includes(STARTED)) + 1;
      expect(started).toBeGreaterThan(0);

      const numbers = [
        ...Array.from({ length: SPREAD_LINES - 1 }, (_, i) =>
          Math.ceil(((i + 1) * lines.length) / SPREAD_LINES),
        ),
        ...Array.from({ length: lines.length - started + 1 }, (_, i) => started + i),
      ];
      const codes = [];
      for (const line of numbers) codes.push(await (await startWithSignalAt(line)).ended());
      await silentProvider.close();

      expect(codes).toEqual(numbers.map((line) => (line < started ? 143 : 0)));
    },
    minutes(2),
  );
});
