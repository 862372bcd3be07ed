import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

interface ReceivedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** Tells connections apart. */
  readonly remotePort: number;
}

/** How the next request is answered. */
export type Script = (response: ServerResponse) => void;

/** A real HTTP server that answers as it is told, for what no healthy vendor says. */
export interface ScriptedUpstream {
  readonly url: string;
  /** The calls about PINs; what is read of the account's configuration is not among them. */
  readonly requests: ReceivedRequest[];
  answer(script: Script): void;
  /** How reads of the configuration are answered; a 404 unless told. */
  answerReads(script: Script): void;
  close(): Promise<void>;
}

/** An answer with a status and a body; an object is sent as JSON, a string as it is. */
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

/** No answer, ever. */
export const hang: Script = () => undefined;

/** The connection breaks after the request arrived. */
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
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    requests,
    answer: (next) => {
      script = next;
    },
    answerReads: (next) => {
      readScript = next;
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
