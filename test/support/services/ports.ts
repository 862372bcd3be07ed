import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Only this machine can reach it. */
export const LOOPBACK = '127.0.0.1';

// Below the ports of outgoing connections. Such a connection could use the port while its server is
// paused, or a client of the paused server could connect to itself, which TCP allows.
const LOWEST = 15_000;
const HIGHEST = 32_000;

/** A port that is free now. Another process may still start to use it first. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(LOWEST, HIGHEST);
    if (await isFree(port)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, LOOPBACK);
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
