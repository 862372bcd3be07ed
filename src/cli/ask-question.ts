import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';

/** Asks a question at the terminal. @returns the answer; empty after Ctrl+C or at the end of the input */
export async function askQuestion(
  question: string,
  output: NodeJS.WritableStream,
): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output });
  // The answer stays pending if the input ends.
  const closed = once(terminal, 'close').then(() => '');
  const answer = terminal.question(question).catch(() => '');
  const text = await Promise.race([answer, closed]);
  terminal.close();
  return text;
}
