import { createLogger } from '../../src/observability/logger.js';
import { createPrettyLogStream } from '../../src/observability/pretty-log-stream.js';
import { MemoryLog } from '../support/memory-log.js';
import { phoneNumber } from '../support/phone-number.js';

describe('createPrettyLogStream', () => {
  let terminal: MemoryLog;
  let logger: ReturnType<typeof createLogger>;

  beforeEach(() => {
    terminal = new MemoryLog();
    logger = createLogger('trace', createPrettyLogStream(terminal, false));
  });

  it('writes a line of time, level, message and fields', () => {
    logger.warn({ requestId: 'abcdefgh', outcome: 'accepted', nested: { sends: 2 } }, 'send');

    expect(terminal.text).toMatch(
      /^\[\d\d:\d\d:\d\d\.\d{3}\] WARN: send \{"requestId":"abcdefgh","outcome":"accepted","nested":\{"sends":2\}\}\n$/,
    );
  });

  it('writes the stacks of an error and of its cause', () => {
    logger.error({ err: new TypeError('outside', { cause: new Error('inside') }) }, 'failed');

    expect(terminal.text).toMatch(
      /ERROR: failed\s+err: \{[^]*\n +TypeError: outside\n( +at .*\n)+[^]*\n +Error: inside\n( +at .*\n)+ +\}\n +\}\n$/,
    );
  });

  it('redacts what the JSON log redacts', () => {
    const number = '+14155552671';
    logger.info({ to: number, client: { otpCode: number }, at: phoneNumber(number) }, 'message');

    expect(terminal.text).toContain('"at":"+1415•••2671"');
    expect(terminal.text).not.toContain('14155552671');
  });

  it.each([
    ['clears the screen', '\u001b[2J'],
    ['clears the screen with an 8-bit escape', '\u009b2J'],
    ['overwrites the line', '\rinfo all is well'],
    ['starts a new line', '\n[00:00:00.000] INFO: all is well'],
    ['runs right to left', '\u202ellew si lla'],
  ])('escapes text that %s', (_what, text) => {
    logger.info({ detail: text, [text]: 1, err: new Error(text) }, text);

    // eslint-disable-next-line no-control-regex -- these characters must not be written
    expect(terminal.text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    expect(terminal.text.match(/^\S.*$/gm)).toHaveLength(1);
    expect(terminal.text).toMatch(/\\u\{[\da-f]+\}/);
  });
});
