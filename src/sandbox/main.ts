#!/usr/bin/env node
import { readCommandLine } from './command-line.js';
import { readEnvironment } from './environment.js';
import { startSandbox } from './sandbox.js';

try {
  const textToPrint = readCommandLine(process.argv.slice(2));
  if (textToPrint === undefined) await runSandbox();
  else console.log(textToPrint);
} catch (error) {
  console.error(`The sandbox cannot start: ${(error as Error).message}`);
  process.exitCode = 1;
}

/** Starts the sandbox, and stops it on SIGINT and SIGTERM. */
async function runSandbox(): Promise<void> {
  const sandbox = await startSandbox(readEnvironment());
  console.log(
    `The sandbox is running at ${sandbox.url}. Open it in a browser to see the messages.`,
  );
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void sandbox.close());
}
