import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { RIGHT_CODE } from './server-apis.js';
import { HttpMessageReader, type HttpMessage } from './http-message.js';
import { handleRequests } from './worker-process.js';

/**
 * Answers Infobip's send and verify at the least cost. It stores nothing, because the id of a PIN
 * contains the number.
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
      externalMessageId: `message-${String(pins)}`,
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

/** The service also checks its account at the start, which gets a 404 here. */
function responseTo({ startLine, body }: HttpMessage): string {
  const [method, path = ''] = startLine.split(' ');
  if (method !== 'POST') return 'HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n';
  const answer = JSON.stringify(answerTo(path, JSON.parse(body) as object));
  return (
    'HTTP/1.1 200 OK\r\ncontent-type: application/json;charset=UTF-8\r\n' +
    `content-length: ${String(Buffer.byteLength(answer))}\r\n\r\n${answer}`
  );
}

const server = createServer({ noDelay: true }, (socket) => {
  const reader = new HttpMessageReader();
  socket.on('data', (bytes) => {
    const request = reader.push(bytes);
    if (request) socket.write(responseTo(request));
  });
  // A client that exits may reset its connections.
  socket.on('error', () => undefined);
});
server.listen(0, '127.0.0.1');
const listening = once(server, 'listening');

handleRequests(async () => {
  await listening;
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
});
