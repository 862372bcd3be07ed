import type { FastifyReply, FastifyRequest } from 'fastify';
import type { MessageInbox, InboxEntry } from '../message-inbox.js';

const KEEP_ALIVE_MS = 15_000;
const MOST_STREAMS = 100;

/** Server-Sent Events: each text, the moment it arrives. */
export class MessageStreams {
  private readonly open = new Set<FastifyReply['raw']>();
  private readonly keepAlive: NodeJS.Timeout;

  constructor(private readonly phone: MessageInbox) {
    this.keepAlive = setInterval(() => {
      for (const response of this.open) response.write(': still here\n\n');
    }, KEEP_ALIVE_MS).unref();
  }

  /** Whether one more may be opened. */
  get hasRoom(): boolean {
    return this.open.size < MOST_STREAMS;
  }

  /**
   * Streams the texts of one phone, or of all. A reader that comes back with `Last-Event-ID` hears
   * first what it missed. One that is slow is written no more than it takes, and hears the rest as far
   * as the phones still keep it.
   */
  start(request: FastifyRequest, reply: FastifyReply, to?: string): void {
    const { raw: response } = reply.hijack();
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      connection: 'close',
      'access-control-allow-origin': '*',
    });
    response.write(': texts as they arrive\n\n');
    let seen = Number(request.headers['last-event-id'] ?? NaN);
    let behind = false;
    const write = ({ number, message }: InboxEntry): boolean => {
      seen = number;
      return response.write(`id: ${String(number)}\ndata: ${JSON.stringify(message)}\n\n`);
    };
    const catchUp = () => {
      behind = this.phone.listEntriesAfter(seen, to).some((missed) => !write(missed));
    };
    catchUp();
    response.on('drain', catchUp);
    const stop = this.phone.subscribe((received) => {
      if (!behind) behind = !write(received);
    }, to);
    this.open.add(response);
    response.on('close', () => {
      stop();
      this.open.delete(response);
    });
  }

  /** Ends every stream. */
  close(): void {
    clearInterval(this.keepAlive);
    for (const response of this.open) response.end();
  }
}
