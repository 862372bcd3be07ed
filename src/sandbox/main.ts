#!/usr/bin/env node
import { readEnvironment } from './environment.js';
import { startSandbox } from './sandbox.js';

try {
  const settings = readEnvironment();
  const sandbox = await startSandbox({
    host: settings.SANDBOX_HOST,
    port: settings.SANDBOX_PORT,
    apiKey: settings.SANDBOX_API_KEY,
  });
  const messages = `${sandbox.url}/sandbox/messages`;
  console.log(`The sandbox is running at ${sandbox.url}. Messages: ${messages}`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void sandbox.close());
} catch (error) {
  console.error(`The sandbox cannot start: ${(error as Error).message}`);
  process.exitCode = 1;
}
