#!/usr/bin/env node
import { startSandbox } from './sandbox.js';

// The sandbox is an island: it reads the settings it has by itself.
const port = Number(process.env['SANDBOX_PORT'] ?? 3999);
const { SANDBOX_API_KEY: apiKey } = process.env;

try {
  const sandbox = await startSandbox({ port, apiKey });
  const { url } = sandbox;
  console.log(
    `Infobip 2FA and Sinch Verification look-alike on ${url}, texts on ${url}/sandbox/messages`,
  );
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void sandbox.close());
} catch (error) {
  console.error(`The sandbox cannot start: ${(error as Error).message}`);
  process.exitCode = 1;
}
