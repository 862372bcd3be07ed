import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A TCP proxy in front of a server. It breaks a connection at a chosen message. */
export interface LossyProxy {
  /** The server's URL, with the proxy's port. */
  readonly url: string;
  /**
   * Breaks the connection instead of delivering the n-th message from now. If that is a request, the
   * server has done nothing; if it is a response, the server has done everything.
   * @param meanwhile runs before the next connection is opened
   */
  breakAt(message: 'request' | 'response', n: number, meanwhile?: () => Promise<void>): void;
  /**
   * Keeps the next request with this text, and breaks the service's side of its connection.
   * @param after a text that the connection must have sent before; by default none
   * @returns a function that delivers the request to the server, and waits for the response, or for the
   * end of a session that the server has ended
   */
  holdRequest(text: string, after?: string): () => Promise<void>;
  /** Cancels `breakAt`. @returns whether it has already broken a connection */
  disarm(): boolean;
  close(): Promise<void>;
}

/** A request that the server gets later, and the connection to the server. */
interface HeldRequest {
  readonly text: string;
  readonly after: string;
  /** The connections that have sent `after`. */
  readonly connections: Set<Socket>;
  server?: Socket;
  data?: Buffer;
}

/** The header of PostgreSQL's message `BackendKeyData`. The process id follows. */
const KEY_DATA = Buffer.from('K\0\0\0\f', 'latin1');

/**
 * @param options.hidesProcessId changes the process id of each session, as a pooler does. Then the
 * service cannot end the session of a lost connection, and sends statements without names.
 */
export async function startLossyProxy(
  serverUrl: string,
  { hidesProcessId = false } = {},
): Promise<LossyProxy> {
  const server = new URL(serverUrl);
  const sockets = new Set<Socket>();
  let armed:
    | {
        readonly message: 'request' | 'response';
        remaining: number;
        meanwhile: () => Promise<void>;
      }
    | undefined;
  let canConnect = Promise.resolve();
  let held: HeldRequest | undefined;

  const isLost = (message: 'request' | 'response'): boolean => {
    if (armed?.message !== message) return false;
    armed.remaining -= 1;
    if (armed.remaining > 0) return false;
    canConnect = armed.meanwhile();
    armed = undefined;
    return true;
  };
  const isHeld = (from: Socket, data: Buffer): boolean => {
    if (!held || held.server) return false;
    if (data.includes(held.after)) held.connections.add(from);
    return held.connections.has(from) && data.includes(held.text);
  };
  const forward = (from: Socket, to: Socket, message: 'request' | 'response') => {
    sockets.add(from);
    from.on('data', (data) => {
      if (message === 'request' && isHeld(from, data)) {
        Object.assign(held ?? {}, { server: to, data });
        from.destroy();
      } else if (isLost(message)) from.destroy();
      else {
        const keyData = data.indexOf(KEY_DATA);
        if (hidesProcessId && message === 'response' && keyData >= 0) {
          data.writeInt32BE(0, keyData + KEY_DATA.length);
        }
        to.write(data);
      }
    });
    from.on('error', () => to.destroy());
    from.on('close', () => {
      sockets.delete(from);
      if (to !== held?.server) to.destroy();
    });
  };
  const openConnection = async (client: Socket): Promise<void> => {
    await canConnect;
    const upstream = connect({ port: Number(server.port), host: server.hostname });
    forward(client, upstream, 'request');
    forward(upstream, client, 'response');
  };
  const listener = createServer((client) => void openConnection(client));
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');

  const url = new URL(serverUrl);
  url.port = String((listener.address() as AddressInfo).port);
  return {
    url: url.href,
    breakAt: (message, n, meanwhile = async () => undefined) => {
      armed = { message, remaining: n, meanwhile };
    },
    holdRequest: (text, after = '') => {
      const holding: HeldRequest = { text, after, connections: new Set() };
      held = holding;
      return async () => {
        const { server, data } = holding;
        if (!server || !data) throw new Error('There was no request to hold.');
        if (server.destroyed) return;
        server.write(data);
        const response = await new Promise<Buffer | undefined>((resolve) => {
          server.once('data', resolve).once('close', () => {
            resolve(undefined);
          });
        });
        server.destroy();
        // The severity of an error, as PostgreSQL sends it.
        if (response?.includes('SERROR')) throw new Error('The held request failed.');
      };
    },
    disarm: () => {
      const hasBroken = armed === undefined;
      armed = undefined;
      return hasBroken;
    },
    close: async () => {
      sockets.forEach((socket) => socket.destroy());
      listener.close();
      await once(listener, 'close');
    },
  };
}
