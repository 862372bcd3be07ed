import { connect, type Socket } from 'node:net';
import { MessageReader, type Message } from './http-message.js';

/** Servers close what has been idle for five seconds; a request may cross with that. */
const FRESH_MS = 2_000;

interface Waiting {
  readonly request: string;
  readonly resolve: (answer: Message) => void;
  readonly reject: (error: Error) => void;
}

interface Connection {
  readonly socket: Socket;
  /** Whose answer it waits for. */
  waiting: Waiting | undefined;
  usedAt: number;
}

/**
 * So many connections to a server at most, with one request on each at a time. Node's own client and
 * undici's cost as much as a fifth of what they are to measure.
 */
export class Connections {
  private readonly idle: Connection[] = [];
  private readonly queue: Waiting[] = [];
  private open = 0;

  constructor(
    private readonly url: URL,
    private readonly most: number,
  ) {}

  /** Posts JSON. @param headers lines that end with CR LF */
  post(path: string, headers: string, body: string): Promise<Message> {
    const length = String(Buffer.byteLength(body));
    const request =
      `POST ${path} HTTP/1.1\r\nhost: ${this.url.host}\r\ncontent-type: application/json\r\n` +
      `content-length: ${length}\r\n${headers}\r\n${body}`;
    return new Promise((resolve, reject) => {
      this.queue.push({ request, resolve, reject });
      this.proceed();
    });
  }

  private proceed(): void {
    for (let waiting = this.queue[0]; waiting; waiting = this.queue[0]) {
      const connection = this.free();
      if (!connection) return;
      this.queue.shift();
      connection.waiting = waiting;
      connection.socket.write(waiting.request);
    }
  }

  /** One that waits for no answer; `undefined` if there may be no more. */
  private free(): Connection | undefined {
    for (let oldest = this.idle.shift(); oldest; oldest = this.idle.shift()) {
      if (performance.now() - oldest.usedAt < FRESH_MS) return oldest;
      oldest.socket.destroy();
      this.open -= 1;
    }
    return this.open < this.most ? this.connection() : undefined;
  }

  private connection(): Connection {
    this.open += 1;
    const socket = connect({ host: this.url.hostname, port: Number(this.url.port), noDelay: true });
    const connection: Connection = { socket, waiting: undefined, usedAt: 0 };
    const reader = new MessageReader();
    socket.on('data', (bytes) => {
      const answer = reader.read(bytes);
      if (!answer) return;
      const { waiting } = connection;
      connection.waiting = undefined;
      connection.usedAt = performance.now();
      this.idle.push(connection);
      waiting?.resolve(answer);
      this.proceed();
    });
    socket.on('error', (error) => connection.waiting?.reject(error));
    socket.on('close', () => connection.waiting?.reject(new Error('closed without an answer')));
    return connection;
  }
}
