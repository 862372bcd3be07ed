import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Only this machine can reach it. */
export const LOOPBACK = '127.0.0.1';

// Below the ports that the system gives to outgoing connections and to servers on port 0: one of
// these could take the port before its server starts, or while that server is shut down. A client of
// such a server could also connect to itself, which TCP allows.
const LOWEST = 15_000;
const HIGHEST = 32_000;

/** A TCP port on 127.0.0.1 that is free now. Another process may still start to use it first. */
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
