import { connect, type Socket } from 'node:net';
import { HttpMessageReader, type HttpMessage } from './http-message.js';

/** Node closes connections that are idle for five seconds. A request must not cross with that. */
const MAX_IDLE_MS = 2_000;

interface PendingRequest {
  readonly request: string;
  readonly resolve: (answer: HttpMessage) => void;
  readonly reject: (error: Error) => void;
}

interface Connection {
  readonly socket: Socket;
  /** The request whose answer has not arrived. */
  pending: PendingRequest | undefined;
  usedAt: number;
}

/**
 * A pool of connections to one server, with one request on each at a time. Node's own client and
 * undici take up to a fifth of the CPU time that they are to measure.
 */
export class ConnectionPool {
  private readonly idle: Connection[] = [];
  private readonly queue: PendingRequest[] = [];
  private open = 0;

  constructor(
    private readonly url: URL,
    private readonly maxConnections: number,
  ) {}

  /** Posts JSON. @param headers lines that end with CR LF */
  post(path: string, headers: string, body: string): Promise<HttpMessage> {
    const length = String(Buffer.byteLength(body));
    const request =
      `POST ${path} HTTP/1.1\r\nhost: ${this.url.host}\r\ncontent-type: application/json\r\n` +
      `content-length: ${length}\r\n${headers}\r\n${body}`;
    return new Promise((resolve, reject) => {
      this.queue.push({ request, resolve, reject });
      this.sendNext();
    });
  }

  private sendNext(): void {
    for (let pending = this.queue[0]; pending; pending = this.queue[0]) {
      const connection = this.takeConnection();
      if (!connection) return;
      this.queue.shift();
      connection.pending = pending;
      connection.socket.write(pending.request);
    }
  }

  /** An idle or new connection; `undefined` if all are in use. */
  private takeConnection(): Connection | undefined {
    for (let oldest = this.idle.shift(); oldest; oldest = this.idle.shift()) {
      if (performance.now() - oldest.usedAt < MAX_IDLE_MS) return oldest;
      oldest.socket.destroy();
      this.open -= 1;
    }
    return this.open < this.maxConnections ? this.openConnection() : undefined;
  }

  private openConnection(): Connection {
    this.open += 1;
    const socket = connect({ host: this.url.hostname, port: Number(this.url.port), noDelay: true });
    const connection: Connection = { socket, pending: undefined, usedAt: 0 };
    const reader = new HttpMessageReader();
    socket.on('data', (bytes) => {
      const answer = reader.push(bytes);
      if (!answer) return;
      const { pending } = connection;
      connection.pending = undefined;
      connection.usedAt = performance.now();
      this.idle.push(connection);
      pending?.resolve(answer);
      this.sendNext();
    });
    socket.on('error', (error) => connection.pending?.reject(error));
    socket.on('close', () => connection.pending?.reject(new Error('closed without an answer')));
    return connection;
  }
}
