import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { listen } from './listen.js';

/** The bodies of a call of the service to its provider, and of the answer. */
export interface RecordedCall {
  readonly request: Readonly<Record<string, unknown>>;
  readonly answer: Readonly<Record<string, unknown>>;
}

/** An HTTP proxy in front of a provider. It records the calls that have a body. */
export interface RecordingProxy {
  readonly url: string;
  readonly calls: readonly RecordedCall[];
  /** The provider's ids of the messages that were sent, in their order. */
  readonly messageIds: readonly string[];
  /** Runs `work` once, before the service gets the answer to its next call. */
  beforeNextAnswer(work: (call: RecordedCall) => Promise<void>): void;
  /** Sets whether the proxy removes the ids of messages from Infobip's answers. Default: false. */
  setRemovesMessageIds(removes: boolean): void;
  close(): Promise<void>;
}

/** The headers that fetch sets itself. */
const FETCH_HEADERS = ['host', 'connection', 'content-length'];

export async function startRecordingProxy(target: string): Promise<RecordingProxy> {
  const calls: RecordedCall[] = [];
  let nextWork: ((call: RecordedCall) => Promise<void>) | undefined;
  let removesMessageIds = false;

  const handle = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const { method = 'GET', url = '/', headers } = incoming;
    const body = await readBody(incoming);
    const forwarded = Object.entries(headers).filter(([name]) => !FETCH_HEADERS.includes(name));
    const response = await fetch(target + url, {
      method,
      headers: Object.fromEntries(forwarded) as Record<string, string>,
      ...(body !== '' && { body }),
    });
    let text = await response.text();
    if (body !== '') {
      const call = { request: parse(body), answer: parse(text) };
      calls.push(call);
      if (removesMessageIds) text = text.replace(/,"externalMessageId":"[^"]*"/, '');
      const work = nextWork;
      nextWork = undefined;
      await work?.(call);
    }
    outgoing.writeHead(response.status, {
      'content-type': response.headers.get('content-type') ?? 'application/json',
      date: response.headers.get('date') ?? '',
    });
    outgoing.end(text);
  };

  const server = createServer((incoming, outgoing) => {
    // A test may stop the provider during a background call of the service. The call then fails.
    handle(incoming, outgoing).catch(() => outgoing.destroy());
  });
  // Closing an idle connection could race with a new request on it.
  server.keepAliveTimeout = 0;
  return {
    ...(await listen(server)),
    calls,
    get messageIds() {
      return calls.flatMap(({ answer }) => {
        // Infobip's id of the message, or Sinch's id of a verification by SMS.
        const id = answer['externalMessageId'] ?? (answer['sms'] && answer['id']);
        return typeof id === 'string' ? [id] : [];
      });
    },
    beforeNextAnswer: (work) => {
      nextWork = work;
    },
    setRemovesMessageIds: (removes) => {
      removesMessageIds = removes;
    },
  };
}

async function readBody(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function parse(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}
