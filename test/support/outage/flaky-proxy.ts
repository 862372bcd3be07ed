import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A TCP proxy in front of a server that can simulate network failures. */
export interface FlakyProxy {
  /** The server's URL, with the proxy's port. */
  readonly url: string;
  /** Passes no byte and closes nothing, as if the server process were stopped (SIGSTOP). */
  freeze(): void;
  /** Passes the withheld bytes; the connections continue. */
  unfreeze(): void;
  /**
   * Accepts new connections, while existing ones stay silent forever, as after a router lost its
   * state. Neither side gets an error.
   */
  abandonConnections(): void;
  /** Leads new connections to another server; existing ones stay open to the first. */
  redirect(serverUrl: string): void;
  close(): Promise<void>;
}

/** Starts a proxy to a server, on a free port of the loopback address. */
export async function startFlakyProxy(serverUrl: string): Promise<FlakyProxy> {
  let server = new URL(serverUrl);
  const connections = new Set<ProxiedConnection>();
  let isFrozen = false;
  const listener = createServer({ allowHalfOpen: true }, (client) => {
    const connection = new ProxiedConnection(client, Number(server.port), server.hostname);
    connections.add(connection);
    client.on('close', () => connections.delete(connection));
    if (isFrozen) connection.pause();
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');

  const url = new URL(serverUrl);
  url.port = String((listener.address() as AddressInfo).port);
  return {
    url: url.href,
    freeze: () => {
      isFrozen = true;
      connections.forEach((connection) => {
        connection.pause();
      });
    },
    unfreeze: () => {
      isFrozen = false;
      connections.forEach((connection) => {
        connection.resume();
      });
    },
    abandonConnections: () => {
      isFrozen = false;
    },
    redirect: (newUrl) => {
      server = new URL(newUrl);
    },
    close: async () => {
      connections.forEach((connection) => {
        connection.destroy();
      });
      listener.close();
      await once(listener, 'close');
    },
  };
}

/** One connection: a socket to each side, each piped into the other. */
class ProxiedConnection {
  private readonly sides: readonly [Socket, Socket];

  constructor(client: Socket, port: number, host: string) {
    const server = connect({ port, host, allowHalfOpen: true });
    this.sides = [client, server];
    this.resume();
    for (const [side, other] of [
      [client, server],
      [server, client],
    ] as const) {
      side.setNoDelay();
      // A reset is passed on as an ordinary close; these tests need no difference.
      side.on('error', () => other.destroy());
      side.on('close', () => other.destroy());
    }
  }

  /** Stops reading from both sides; the operating system buffers what they send. */
  pause(): void {
    const [client, server] = this.sides;
    client.unpipe(server).pause();
    server.unpipe(client).pause();
  }

  resume(): void {
    const [client, server] = this.sides;
    client.pipe(server).pipe(client);
  }

  destroy(): void {
    this.sides.forEach((side) => side.destroy());
  }
}
