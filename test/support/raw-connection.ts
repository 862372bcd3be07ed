import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';

/** A TCP connection to a server, on which a test says what no HTTP client would. */
export interface RawConnection {
  write(bytes: string): void;
  /** All that the server says until it closes the connection. */
  readonly answer: Promise<string>;
  close(): void;
  /** Breaks it, as a caller that dies does. */
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

/** Whether nobody takes connections there any more. */
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
