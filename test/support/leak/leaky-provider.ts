import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { listen } from '../listen.js';
import type { SeededRandom } from '../seeded-random.js';
import { FAULTS } from './leaky-provider-faults.js';
import type { SecretFactory } from './secret-factory.js';

/** A fake of Infobip and Sinch that repeats everything it knows in every response. */
export interface LeakyProvider {
  readonly url: string;
  /** The last code that was sent to a phone; `undefined` if there is none. */
  getCode(phoneNumber: string): string | undefined;
  close(): Promise<void>;
}

/** A code that was sent. */
interface Pin {
  readonly id: string;
  readonly phoneNumber: string;
  readonly code: string;
}

/** On average, one call in this many fails. */
const FAULT_INTERVAL = 6;

const INFOBIP = /^\/2fa\/2\/pin(?:\/voice|\/(?<id>\w+)\/(?<operation>resend|verify).*)?$/;
const SINCH = /^\/verification\/v1\/verifications(?:\/id\/(?<id>\w+))?$/;

export async function startLeakyProvider(
  random: SeededRandom,
  secrets: SecretFactory,
): Promise<LeakyProvider> {
  const pins = new Map<string, Pin>();
  const codes = new Map<string, string>();

  const findOrCreatePin = (id: string | undefined, body: string): Pin => {
    const existing = id === undefined ? undefined : pins.get(id);
    if (existing) return existing;
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

  const respond = async (request: IncomingMessage, response: ServerResponse) => {
    const { method, url = '', headers } = request;
    const body = await text(request);
    const [path = ''] = url.split('?');
    const { id, operation } = (INFOBIP.exec(path) ?? SINCH.exec(path))?.groups ?? {};
    const pin = findOrCreatePin(id, body);
    const credential = headers.authorization ?? '';
    const sentence = `No message to ${pin.phoneNumber} with ${pin.code} as ${pin.id} for ${credential}, on ${body}`;
    const fields = { ...pin, credential, text: sentence, request: { url, headers, body } };
    // Reads of the account's configuration always fail.
    if (method === 'GET' || random.oneIn(FAULT_INTERVAL)) {
      random.oneOf(FAULTS)(response, { ...pin, sentence, fields, random });
      return;
    }
    const isCorrect = body.includes(`"${pin.code}"`);
    const result = path.startsWith('/2fa')
      ? infobipResponse(pin, operation === 'verify' ? isCorrect : undefined)
      : sinchResponse(pin, id === undefined ? undefined : isCorrect);
    response.writeHead(200, {
      'content-type': 'application/json',
      'x-leaked': sentence,
      'set-cookie': `code=${pin.code}`,
    });
    response.end(JSON.stringify({ ...fields, ...result }));
  };

  const server = createServer((request, response) => {
    // The body of an aborted request cannot be read to its end.
    respond(request, response).catch(() => response.destroy());
  });
  server.keepAliveTimeout = 0;
  return {
    ...(await listen(server)),
    getCode: (phoneNumber) => codes.get(phoneNumber),
  };
}

/** @param isCorrect whether the submitted code is right; `undefined` for a send or resend */
function infobipResponse({ id, phoneNumber, code }: Pin, isCorrect: boolean | undefined): object {
  const msisdn = phoneNumber.slice(1);
  if (isCorrect === undefined) {
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
    verified: isCorrect,
    ...(!isCorrect && { pinError: `WRONG_PIN, not ${code}` }),
  };
}

/** As {@link infobipResponse}. */
function sinchResponse({ id, phoneNumber, code }: Pin, isCorrect: boolean | undefined): object {
  if (isCorrect === undefined) return { id };
  const identity = { type: 'number', endpoint: phoneNumber };
  return isCorrect
    ? { id, identity, status: 'SUCCESSFUL' }
    : { id, identity, status: 'FAIL', reason: `Not ${code}` };
}
