import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** The address of servers that only this machine can reach. */
export const LOOPBACK = '127.0.0.1';

// The system assigns higher ports to outgoing connections and to servers on port 0. One of these could
// take a higher port before its server starts, or while that server is shut down. A client could even
// get its server's port and so connect to itself, which TCP allows.
const LOWEST_PORT = 15_000;
const HIGHEST_PORT = 32_000;

/** A TCP port on 127.0.0.1 that is free now. Another process may still start to use it first. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(LOWEST_PORT, HIGHEST_PORT);
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
