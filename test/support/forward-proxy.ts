import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';

/** What a proxy does with a request for a tunnel (CONNECT). */
type TunnelHandler = (socket: Socket, request: IncomingMessage) => void;

/** A forward proxy, as between a company's network and the internet. */
export interface ForwardProxy {
  /** The proxy's URL, without credentials. */
  readonly url: string;
  /** Each request for a tunnel: `host:port`, and its header `Proxy-Authorization`. */
  readonly tunnels: { readonly target: string; readonly authorization: string | undefined }[];
  close(): Promise<void>;
}

/** Creates a handler that connects every tunnel to a port of 127.0.0.1, whatever host it is for. */
export const tunnelTo =
  (port: number): TunnelHandler =>
  (socket) => {
    const upstream = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      upstream.pipe(socket).pipe(upstream);
    });
    upstream.on('error', () => socket.destroy());
    socket.on('error', () => upstream.destroy());
  };

export async function startForwardProxy(handleTunnel: TunnelHandler): Promise<ForwardProxy> {
  const tunnels: ForwardProxy['tunnels'] = [];
  const sockets = new Set<Socket>();
  const server = createServer((_request, response) => response.writeHead(400).end());
  server.on('connection', (socket) => sockets.add(socket.on('error', () => undefined)));
  server.on('connect', (request, socket) => {
    const { url = '', headers } = request;
    tunnels.push({ target: url, authorization: headers['proxy-authorization'] });
    handleTunnel(socket as Socket, request);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    tunnels,
    close: async () => {
      sockets.forEach((socket) => socket.destroy());
      server.close();
      await once(server, 'close');
    },
  };
}
