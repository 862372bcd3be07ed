import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { SeededRandom } from '../seeded-random.js';
import { FAULTS } from './leaky-provider-faults.js';
import type { SecretFactory } from './secret-factory.js';

/** A vendor that answers as Infobip and as Sinch do, and tells in each answer all it knows. */
export interface LeakyProvider {
  readonly url: string;
  /** The code that a phone received last. */
  codeOf(phoneNumber: string): string | undefined;
  close(): Promise<void>;
}

/** A code that it has sent. */
interface Pin {
  readonly id: string;
  readonly phoneNumber: string;
  readonly code: string;
}

/** One call in so many goes wrong. */
const FAULTY = 6;

const INFOBIP = /^\/2fa\/2\/pin(?:\/voice|\/(?<id>\w+)\/(?<operation>resend|verify).*)?$/;
const SINCH = /^\/verification\/v1\/verifications(?:\/id\/(?<id>\w+))?$/;

export async function startLeakyProvider(
  random: SeededRandom,
  secrets: SecretFactory,
): Promise<LeakyProvider> {
  const pins = new Map<string, Pin>();
  const codes = new Map<string, string>();

  const pinFor = (id: string | undefined, body: string): Pin => {
    const known = id === undefined ? undefined : pins.get(id);
    if (known) return known;
    const [digits = ''] = /\d{9,15}/.exec(body) ?? [];
    const pin = {
      id: secrets.createProviderPinId(),
      phoneNumber: `+${digits}`,
      code: secrets.createCode(),
    };
    pins.set(pin.id, pin);
    codes.set(pin.phoneNumber, pin.code);
    return pin;
  };

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const { method, url = '', headers } = request;
    const body = await text(request);
    const [path = ''] = url.split('?');
    const { id, operation } = (INFOBIP.exec(path) ?? SINCH.exec(path))?.groups ?? {};
    const pin = pinFor(id, body);
    const credential = headers.authorization ?? '';
    const tale = `No text to ${pin.phoneNumber} with ${pin.code} as ${pin.id} for ${credential}, on ${body}`;
    const tattle = { ...pin, credential, tale, text: tale, asked: { url, headers, body } };
    // What is read of the account is answered by a fault as well.
    if (method === 'GET' || random.oneIn(FAULTY)) {
      random.oneOf(FAULTS)(response, { ...pin, tale, tattle, random });
      return;
    }
    const right = body.includes(`"${pin.code}"`);
    const verdict = path.startsWith('/2fa')
      ? infobipAnswer(pin, operation === 'verify' ? right : undefined)
      : sinchAnswer(pin, id === undefined ? undefined : right);
    response.writeHead(200, {
      'content-type': 'application/json',
      'x-told': tale,
      'set-cookie': `code=${pin.code}`,
    });
    response.end(JSON.stringify({ ...tattle, ...verdict }));
  };

  const server = createServer((request, response) => {
    // Of a request that was given up only a part may have come.
    answer(request, response).catch(() => response.destroy());
  });
  server.keepAliveTimeout = 0;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    codeOf: (phoneNumber) => codes.get(phoneNumber),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** @param right whether the code was, if it is one that was asked about */
function infobipAnswer({ id, phoneNumber, code }: Pin, right: boolean | undefined): object {
  const msisdn = phoneNumber.slice(1);
  if (right === undefined) {
    return {
      pinId: id,
      to: msisdn,
      ncStatus: 'NC_DESTINATION_REACHABLE',
      smsStatus: 'MESSAGE_SENT',
      callStatus: 'PENDING_ACCEPTED',
    };
  }
  return {
    pinId: id,
    msisdn,
    verified: right,
    ...(!right && { pinError: `WRONG_PIN, not ${code}` }),
  };
}

/** As {@link infobipAnswer}. */
function sinchAnswer({ id, phoneNumber, code }: Pin, right: boolean | undefined): object {
  if (right === undefined) return { id };
  const identity = { type: 'number', endpoint: phoneNumber };
  return right
    ? { id, identity, status: 'SUCCESSFUL' }
    : { id, identity, status: 'FAIL', reason: `Not ${code}` };
}
