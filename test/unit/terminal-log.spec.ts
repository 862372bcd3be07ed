import { createLogger } from '../../src/observability/logger.js';
import { terminalLog } from '../../src/observability/terminal-log.js';
import { MemoryLog } from '../support/log.js';
import { phoneNumber } from '../support/phone-number.js';

/** A terminal without colours. */
class PlainTerminal extends MemoryLog {
  hasColors(): boolean {
    return false;
  }

  override write(text: string): boolean {
    super.write(text);
    return true;
  }
}

describe('The log at a terminal', () => {
  let terminal: PlainTerminal;
  let logger: ReturnType<typeof createLogger>;

  beforeEach(() => {
    terminal = new PlainTerminal();
    logger = createLogger('trace', terminalLog(terminal));
  });

  it('is a line of time, level, message and fields', () => {
    logger.warn({ requestId: 'abcdefgh', outcome: 'accepted', nested: { texts: 2 } }, 'send');

    expect(terminal.text).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} warn {2}send outcome=accepted nested=\{"texts":2\} requestId=abcdefgh\n$/,
    );
  });

  it('shows an error with what it came of', () => {
    logger.error({ err: new TypeError('outside', { cause: new Error('inside') }) }, 'failed');

    expect(terminal.text).toMatch(
      /error failed\n {2}TypeError: outside\n( {6}at .*\n)+ {2}Error: inside\n( {6}at .*\n)+$/,
    );
  });

  it('conceals what the log conceals', () => {
    const number = '+14155552671';
    logger.info({ to: number, caller: { otpCode: number }, at: phoneNumber(number) }, 'so');

    expect(terminal.text).toContain('at=+1415•••2671');
    expect(terminal.text).not.toContain('14155552671');
  });

  it.each([
    ['clears the screen', '\u001b[2J'],
    ['does so by one character', '\u009b2J'],
    ['writes over the line', '\rinfo all is well'],
    ['begins another line', '\n00:00:00.000 info  all is well'],
    ['runs backwards', '\u202ellew si lla'],
  ])('shows a text as it is that %s', (_what, text) => {
    logger.info({ said: text, [text]: 1, err: new Error(text) }, text);

    // eslint-disable-next-line no-control-regex -- it is what must not come through
    expect(terminal.text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    expect(terminal.text).not.toMatch(/^(?! {2}|\d\d:).+$/m);
  });
});
