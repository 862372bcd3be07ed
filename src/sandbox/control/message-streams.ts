import type { FastifyReply, FastifyRequest } from 'fastify';
import type { InboxEntry, MessageInbox } from '../message-inbox.js';

const HEARTBEAT_MS = 15_000;
const MAX_STREAMS = 100;

interface StreamQuery {
  /** The recipient of the messages. Default: all recipients. */
  readonly to?: string;
  /** The number of the last entry that the client has; 0 for all entries of the inbox. */
  readonly after?: number;
}

/** Streams messages as Server-Sent Events. */
export class MessageStreams {
  private readonly openStreams = new Set<FastifyReply['raw']>();
  private readonly heartbeat: NodeJS.Timeout;

  constructor(private readonly inbox: MessageInbox) {
    this.heartbeat = setInterval(() => {
      for (const response of this.openStreams) response.write(': heartbeat\n\n');
    }, HEARTBEAT_MS).unref();
  }

  get hasCapacity(): boolean {
    return this.openStreams.size < MAX_STREAMS;
  }

  /**
   * Streams new messages to one recipient, or to all. With `Last-Event-ID` or `after`, the earlier messages
   * after that number come first. While a slow client's socket is full, new messages stay in the inbox.
   * The socket's `drain` event then sends them.
   */
  openStream(request: FastifyRequest, reply: FastifyReply, { to, after }: StreamQuery): void {
    const { raw: response } = reply.hijack();
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      connection: 'close',
      'access-control-allow-origin': '*',
    });
    response.write(': messages of the sandbox\n\n');
    // The header takes precedence: a browser that reconnects repeats the query. Without both,
    // `lastNumber` is NaN: no number is greater, so no earlier message is sent.
    let lastNumber = Number(request.headers['last-event-id'] ?? after ?? NaN);
    /** Whether the socket is full, so that new messages wait in the inbox. */
    let isBehind = false;
    const writeEntry = ({ number, message }: InboxEntry): boolean => {
      lastNumber = number;
      return response.write(`id: ${String(number)}\ndata: ${JSON.stringify(message)}\n\n`);
    };
    const writeMissed = () => {
      // `some` stops after the entry that fills the socket's buffer.
      isBehind = this.inbox.listEntriesAfter(lastNumber, to).some((entry) => !writeEntry(entry));
    };
    writeMissed();
    response.on('drain', writeMissed);
    const unsubscribe = this.inbox.subscribe((entry) => {
      if (!isBehind) isBehind = !writeEntry(entry);
    }, to);
    this.openStreams.add(response);
    response.on('close', () => {
      unsubscribe();
      this.openStreams.delete(response);
    });
  }

  closeAll(): void {
    clearInterval(this.heartbeat);
    for (const response of this.openStreams) response.end();
  }
}
