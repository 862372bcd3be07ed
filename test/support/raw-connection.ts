import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';

/** A TCP connection, for bytes that no HTTP client would send. */
export interface RawConnection {
  write(bytes: string): void;
  /** Everything that the server sends until it closes the connection. */
  readonly answer: Promise<string>;
  close(): void;
  /** Resets the connection, as a killed client does. */
  reset(): void;
}

export async function connectTo(url: string): Promise<RawConnection> {
  const { hostname, port } = new URL(url);
  const socket: Socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  return {
    write: (bytes) => socket.write(bytes),
    answer: text(socket),
    close: () => socket.destroy(),
    reset: () => socket.resetAndDestroy(),
  };
}

/** Whether the server refuses new connections. */
export async function refusesConnections(url: string): Promise<boolean> {
  return connectTo(url).then(
    (connection) => {
      connection.answer.catch(() => undefined);
      connection.close();
      return false;
    },
    () => true,
  );
}
