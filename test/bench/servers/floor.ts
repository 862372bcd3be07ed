import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import { Pool } from 'undici';
import { openPostgresFloor } from './floor-postgres.js';
import { openSqliteFloor } from './floor-sqlite.js';

/**
 * The minimum of a send and a verify: read the request, write a row, call the provider, update the
 * row, answer. It has no framework and checks nothing.
 */
export interface FloorStore {
  insert(pinId: string, phoneNumber: string): unknown;
  confirm(pinId: string, providerPinId: string): unknown;
  /** Counts an attempt. @returns the provider's pinId */
  countAttempt(pinId: string): Promise<string> | string;
  complete(pinId: string, status: string): unknown;
}

const { PORT, UPSTREAM = '', DATABASE_URL, DATA_DIR = '' } = process.env;

const store: FloorStore =
  DATABASE_URL === undefined ? openSqliteFloor(DATA_DIR) : await openPostgresFloor(DATABASE_URL);
const provider = new Pool(UPSTREAM, { connections: 512, pipelining: 1 });

async function callProvider(path: string, body: object): Promise<Record<string, unknown>> {
  const answer = await provider.request({
    path,
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'App key' },
    body: JSON.stringify(body),
  });
  return JSON.parse(await answer.body.text()) as Record<string, unknown>;
}

async function send({ phoneNumber = '' }: Record<string, string>): Promise<object> {
  const pinId = randomBytes(16).toString('base64url');
  await store.insert(pinId, phoneNumber);
  const answer = await callProvider('/2fa/2/pin?ncNeeded=true', {
    applicationId: 'application',
    messageId: 'message',
    to: phoneNumber.slice(1),
  });
  await store.confirm(pinId, String(answer['pinId']));
  return { pinId };
}

async function verify({ pinId = '', otpCode }: Record<string, string>): Promise<object> {
  const providerPinId = await store.countAttempt(pinId);
  const { verified } = await callProvider(`/2fa/2/pin/${providerPinId}/verify`, { pin: otpCode });
  await store.complete(pinId, verified === true ? 'verified' : 'pending');
  return { verified };
}

async function answerTo(request: IncomingMessage, text: string): Promise<string> {
  const body = JSON.parse(text) as Record<string, string>;
  return JSON.stringify(await (request.url === '/otp/send' ? send(body) : verify(body)));
}

createServer((request, response) => {
  let text = '';
  request.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  request.on('end', () => {
    answerTo(request, text).then(
      (answer) => {
        response.writeHead(200, {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(answer),
        });
        response.end(answer);
      },
      (error: unknown) => {
        response.writeHead(500).end(JSON.stringify(String(error)));
      },
    );
  });
}).listen(Number(PORT), '127.0.0.1');
