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

/** Each worker has its own ports, so that none takes a port before another's server has started. */
const MAX_WORKERS = 8;
const WORKER_PORTS = Math.floor((HIGHEST_PORT - LOWEST_PORT) / MAX_WORKERS);
const FIRST_PORT =
  LOWEST_PORT + (Number(process.env['JEST_WORKER_ID'] ?? 0) % MAX_WORKERS) * WORKER_PORTS;

let nextPort = randomInt(WORKER_PORTS);

/** A TCP port on 127.0.0.1 that is free now, and no earlier one. Other programs may still take it. */
export async function freePort(): Promise<number> {
  for (;;) {
    nextPort = (nextPort + 1) % WORKER_PORTS;
    const port = FIRST_PORT + nextPort;
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
