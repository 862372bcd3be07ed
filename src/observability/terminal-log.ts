import { styleText } from 'node:util';
import type { WriteStream } from 'node:tty';
import type { DestinationStream } from 'pino';

type Style = Parameters<typeof styleText>[0];

/** Dresses a text for a terminal. */
type Dress = (style: Style, text: string) => string;

const LEVEL_STYLES: Readonly<Record<string, Style>> = {
  fatal: 'red',
  error: 'red',
  warn: 'yellow',
  info: 'green',
};
const LONGEST_LEVEL = 5;

/** Where the time of day begins and ends in a time of ISO 8601. */
const TIME_OF_DAY = [11, 23] as const;

/** What a terminal obeys instead of showing it, and what turns the direction of a text. */
const COMMANDS = /[\p{Cc}\p{Cf}]/gu;

/** An error, as the logger describes it. */
interface Described {
  readonly type: string;
  readonly message?: string;
  readonly stack?: string;
  readonly cause?: Described;
}

interface Line {
  readonly level: string;
  readonly time: string;
  readonly msg?: string;
  readonly err?: Described;
  readonly requestId?: string;
  readonly traceparent?: string;
}

/** Dresses texts as far as the terminal has colours and its user wants them (`NO_COLOR`). */
export const dressFor = (terminal: Pick<WriteStream, 'hasColors'>): Dress =>
  terminal.hasColors() ? (style, text) => styleText(style, text) : (_style, text) => text;

/**
 * The log for somebody who looks at it: the same lines, which the logger has written as JSON, as
 * time, level, message and `name=value`. Nothing that came in a request can steer the terminal.
 */
export function terminalLog(terminal: Pick<WriteStream, 'hasColors' | 'write'>): DestinationStream {
  const dress = dressFor(terminal);
  return {
    write: (json) => {
      terminal.write(`${readable(JSON.parse(json) as Line, dress)}\n`);
    },
  };
}

function readable({ level, time, msg = '', err, ...line }: Line, dress: Dress): string {
  const { requestId, traceparent, ...fields } = line;
  const head = [
    dress('dim', time.slice(...TIME_OF_DAY)),
    dress(LEVEL_STYLES[level] ?? 'dim', level.padEnd(LONGEST_LEVEL)),
    dress('bold', shown(msg)),
  ];
  // Last what is long and always there.
  const pairs = Object.entries({ ...fields, requestId, traceparent })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${dress('dim', `${shown(name)}=`)}${valueOf(value)}`);
  return [[...head, ...pairs].join(' '), ...stackOf(err).map((line) => dress('dim', line))].join(
    '\n',
  );
}

function valueOf(value: unknown): string {
  const text = typeof value === 'string' && /^\S+$/.test(value) ? value : JSON.stringify(value);
  return shown(text);
}

/** An error and what it came of, a line each and one for each place in the code. */
function stackOf(err: Described | undefined): string[] {
  if (err === undefined) return [];
  const lines = (err.stack ?? `${err.type}: ${err.message ?? ''}`).split('\n');
  return [...lines.map((line) => `  ${shown(line)}`), ...stackOf(err.cause)];
}

const shown = (text: string): string =>
  text.replace(COMMANDS, (character) => `\\u{${character.codePointAt(0)?.toString(16) ?? ''}}`);
