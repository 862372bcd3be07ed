import { startSandbox } from './sandbox.js';

// The sandbox is an island: it reads the one setting it has by itself.
const port = Number(process.env['SANDBOX_PORT'] ?? 3999);

try {
  const { url } = await startSandbox({ port });
  console.log(`Infobip 2FA look-alike on ${url}, texts on ${url}/sandbox/messages`);
} catch (error) {
  console.error(`The sandbox cannot start: ${(error as Error).message}`);
  process.exitCode = 1;
}
