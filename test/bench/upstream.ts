import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { RIGHT_CODE } from './dialects.js';
import { answerQuestions } from './remote.js';

/**
 * Infobip's send and verify, as cheap as they can be answered: it keeps nothing, for a PIN's id
 * says which number it is of.
 */

let pins = 0;

function answerTo(path: string, request: { to?: string; pin?: string }): object {
  const [, pinId] = /^\/2fa\/2\/pin\/([0-9]+-[0-9A-F]+)\/verify$/.exec(path) ?? [];
  if (pinId === undefined) {
    pins += 1;
    return {
      pinId: `${request.to ?? ''}-${pins.toString(16).toUpperCase().padStart(16, '0')}`,
      to: request.to,
      ncStatus: 'NC_DESTINATION_REACHABLE',
      smsStatus: 'MESSAGE_SENT',
    };
  }
  const verified = request.pin === RIGHT_CODE;
  return {
    pinId,
    msisdn: pinId.split('-', 1)[0],
    verified,
    attemptsRemaining: 0,
    ...(!verified && { pinError: 'WRONG_PIN' }),
  };
}

const server = createServer((request, response) => {
  let text = '';
  request.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  request.on('end', () => {
    // The service also looks at its account when it starts; of that there is none here.
    if (request.method !== 'POST') {
      response.writeHead(404).end();
      return;
    }
    const body = JSON.stringify(answerTo(request.url ?? '', JSON.parse(text)));
    response.writeHead(200, {
      'content-type': 'application/json;charset=UTF-8',
      'content-length': Buffer.byteLength(body),
    });
    response.end(body);
  });
});
// An idle connection is kept: closing it would cross with a request now and then.
server.keepAliveTimeout = 0;
server.listen(0, '127.0.0.1');
const listening = once(server, 'listening');

answerQuestions(async () => {
  await listening;
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
});
