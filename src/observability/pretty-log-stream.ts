import type { DestinationStream } from 'pino';
import { prettyFactory } from 'pino-pretty';

/** Characters that a terminal obeys, and those that change the direction of text. */
const CONTROL_CHARACTERS = /[\p{Cc}\p{Cf}]/gu;

/** Makes log lines readable for a terminal. Loaded only if there is one, to keep start-up fast. */
export function createPrettyLogStream(
  output: DestinationStream,
  colorize: boolean,
): DestinationStream {
  const format = prettyFactory({
    colorize,
    singleLine: true,
    translateTime: 'SYS:HH:MM:ss.l',
  });
  return {
    write: (json) => {
      output.write(format(JSON.parse(json, escapeEntry)));
    },
  };
}

/** Escapes names and values, which may come from a request. pino-pretty escapes only some. */
function escapeEntry(name: string, value: unknown): unknown {
  if (typeof value === 'string') {
    // pino-pretty indents the lines of a stack, so they cannot be mistaken for log lines.
    return name === 'stack'
      ? value.split('\n').map(escapeControl).join('\n')
      : escapeControl(value);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]: [string, unknown]) => [escapeControl(key), item]),
  );
}

const escapeControl = (text: string): string =>
  text.replace(
    CONTROL_CHARACTERS,
    (character) => `\\u{${character.codePointAt(0)?.toString(16) ?? ''}}`,
  );
