import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A TCP link to a server: to whoever connects through it, it can make the server stand still. */
export interface FlakyProxy {
  /** The server's url, by way of this link. */
  readonly url: string;
  /** No byte passes any more, and nothing is closed: so looks a server that was stopped (SIGSTOP). */
  freeze(): void;
  /** What was held up passes now, in its order, and the connections go on. */
  unfreeze(): void;
  /**
   * New connections work again, those from before never: so looks a server behind a router that
   * forgot them. Nobody is told.
   */
  abandonConnections(): void;
  close(): Promise<void>;
}

/** Opens a link, on a free port of the loopback address, to the server that the url names. */
export async function startFlakyProxy(serverUrl: string): Promise<FlakyProxy> {
  const server = new URL(serverUrl);
  const tunnels = new Set<Tunnel>();
  let frozen = false;
  const listener = createServer({ allowHalfOpen: true }, (client) => {
    const tunnel = new Tunnel(client, Number(server.port), server.hostname);
    tunnels.add(tunnel);
    client.on('close', () => tunnels.delete(tunnel));
    if (frozen) tunnel.hold();
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');

  const url = new URL(serverUrl);
  url.port = String((listener.address() as AddressInfo).port);
  return {
    url: url.href,
    freeze: () => {
      frozen = true;
      tunnels.forEach((tunnel) => {
        tunnel.hold();
      });
    },
    unfreeze: () => {
      frozen = false;
      tunnels.forEach((tunnel) => {
        tunnel.release();
      });
    },
    abandonConnections: () => {
      frozen = false;
    },
    close: async () => {
      tunnels.forEach((tunnel) => {
        tunnel.destroy();
      });
      listener.close();
      await once(listener, 'close');
    },
  };
}

/** One connection: a socket to each side, and what the one says is what the other hears. */
class Tunnel {
  private readonly sides: readonly [Socket, Socket];

  constructor(client: Socket, port: number, host: string) {
    const server = connect({ port, host, allowHalfOpen: true });
    this.sides = [client, server];
    this.release();
    for (const [side, other] of [
      [client, server],
      [server, client],
    ] as const) {
      side.setNoDelay();
      // A reset is passed on as an end: who hears it can tell no difference that matters here.
      side.on('error', () => other.destroy());
      side.on('close', () => other.destroy());
    }
  }

  /** Reads nothing any more from either side, so the system holds what they say. */
  hold(): void {
    const [client, server] = this.sides;
    client.unpipe(server).pause();
    server.unpipe(client).pause();
  }

  release(): void {
    const [client, server] = this.sides;
    client.pipe(server).pipe(client);
  }

  destroy(): void {
    this.sides.forEach((side) => side.destroy());
  }
}
