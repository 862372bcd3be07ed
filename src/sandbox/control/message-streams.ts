import type { FastifyReply, FastifyRequest } from 'fastify';
import type { MessageInbox, InboxEntry } from '../message-inbox.js';

const HEARTBEAT_MS = 15_000;
const MAX_STREAMS = 100;

/** Server-Sent Events: each text, the moment it arrives. */
export class MessageStreams {
  private readonly openStreams = new Set<FastifyReply['raw']>();
  private readonly heartbeat: NodeJS.Timeout;

  constructor(private readonly inbox: MessageInbox) {
    this.heartbeat = setInterval(() => {
      for (const response of this.openStreams) response.write(': still here\n\n');
    }, HEARTBEAT_MS).unref();
  }

  /** Whether one more may be opened. */
  get hasCapacity(): boolean {
    return this.openStreams.size < MAX_STREAMS;
  }

  /**
   * Streams the texts of one phone, or of all. A reader that comes back with `Last-Event-ID` hears
   * first what it missed. One that is slow is written no more than it takes, and hears the rest as far
   * as the phones still keep it.
   */
  openStream(request: FastifyRequest, reply: FastifyReply, to?: string): void {
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
      behind = this.inbox.listEntriesAfter(seen, to).some((missed) => !write(missed));
    };
    catchUp();
    response.on('drain', catchUp);
    const stop = this.inbox.subscribe((received) => {
      if (!behind) behind = !write(received);
    }, to);
    this.openStreams.add(response);
    response.on('close', () => {
      stop();
      this.openStreams.delete(response);
    });
  }

  /** Ends every stream. */
  closeAll(): void {
    clearInterval(this.heartbeat);
    for (const response of this.openStreams) response.end();
  }
}
