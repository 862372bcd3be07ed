import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { listen } from './listen.js';

interface ReceivedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** Differs for each connection. */
  readonly remotePort: number;
}

/** Responds to a request. */
export type Script = (response: ServerResponse) => void;

/** An HTTP server with scripted responses, for cases that no healthy provider produces. */
export interface ScriptedUpstream {
  readonly url: string;
  /** The requests except GETs, with which the service only reads the account's configuration. */
  readonly requests: ReceivedRequest[];
  /** Sets the response to all later requests except GETs. */
  answer(script: Script): void;
  /** Sets the response to all later GETs; by default a 404. */
  answerReads(script: Script): void;
  close(): Promise<void>;
}

/** A response with a status and a body; an object is sent as JSON, a string unchanged. */
export function reply(
  status: number,
  body: object | string,
  headers: Record<string, string> = {},
): Script {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };
}

/** Infobip's response to a send that it accepts. */
export const messageSent = reply(200, { pinId: 'PIN', smsStatus: 'MESSAGE_SENT' });

/** Never responds. */
export const hang: Script = () => undefined;

/** Breaks the connection after the request has arrived. */
export const dropConnection: Script = (response) => {
  response.destroy();
};

export async function startScriptedUpstream(): Promise<ScriptedUpstream> {
  const requests: ReceivedRequest[] = [];
  let script: Script = reply(500, 'no script');
  let readScript: Script = reply(404, { errorCode: 'E404' });
  const server = createServer((request, response) => {
    if (request.method === 'GET') {
      readScript(response);
      return;
    }
    void text(request).then((body) => {
      const { method = '', url = '', headers, socket } = request;
      requests.push({ method, path: url, headers, body, remotePort: socket.remotePort ?? 0 });
      script(response);
    });
  });
  return {
    ...(await listen(server)),
    requests,
    answer: (next) => {
      script = next;
    },
    answerReads: (next) => {
      readScript = next;
    },
  };
}
