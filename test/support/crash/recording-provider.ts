import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import type { History } from './history.js';
import type { SeededRandom } from '../seeded-random.js';

/** Infobip's 2FA as far as the service speaks to it, recorded. It lives on when the service dies. */
export interface RecordingProvider {
  readonly url: string;
  /** From now on it does all it is asked, at once. */
  disableFaults(): void;
  close(): Promise<void>;
}

interface Pin {
  readonly pinId: string;
  readonly phoneNumber: string;
  readonly code: string;
}

interface Request {
  readonly to?: string;
  readonly pin?: string;
}

/** An answer: its status and its body. */
type Reply = [status: number, body: object];

const PATH = /^\/2fa\/2\/pin(?:\/(?<pinId>\w+)\/(?<operation>resend|verify))?$/;
const REFUSAL: Reply = [429, {}];

/**
 * A vendor that takes some time before it acts and some before it answers, so that a crash of the
 * service finds calls before, between and after; that refuses one call in twelve without acting;
 * and that says yes to the right code as often as it is asked: once is the service's business.
 */
export async function startRecordingProvider(
  history: History,
  random: SeededRandom,
): Promise<RecordingProvider> {
  const pins = new Map<string, Pin>();
  let calm = false;

  const latency = async () => {
    if (!calm) await delay(random.oneIn(8) ? random.between(100, 250) : random.between(0, 25));
  };

  const text = (operation: 'send' | 'resend', { pinId, phoneNumber, code }: Pin): Reply => {
    history.messages.push({ operation, at: Date.now(), phoneNumber, pin: pinId, code });
    return [200, { pinId, to: phoneNumber.slice(1), smsStatus: 'MESSAGE_SENT' }];
  };

  const judge = ({ pinId, phoneNumber, code: rightCode }: Pin, code: string): Reply => {
    const isCorrect = code === rightCode;
    history.codeChecks.push({ at: Date.now(), phoneNumber, pin: pinId, code, isCorrect });
    const error = isCorrect ? {} : { pinError: 'WRONG_PIN' };
    return [200, { pinId, msisdn: phoneNumber.slice(1), verified: isCorrect, ...error }];
  };

  const newPin = (to: string): Pin => {
    const code = String(random.between(0, 999_999)).padStart(6, '0');
    const pin = { pinId: `PIN${pins.size}`, phoneNumber: `+${to}`, code };
    pins.set(pin.pinId, pin);
    return pin;
  };

  const act = (path: string, { to = '', pin: code = '' }: Request): Reply => {
    const match = PATH.exec(path);
    if (!match) return [404, {}];
    const { pinId, operation } = match.groups ?? {};
    if (pinId === undefined) return text('send', newPin(to));
    const pin = pins.get(pinId);
    if (!pin) return [404, {}];
    return operation === 'resend' ? text('resend', pin) : judge(pin, code);
  };

  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const { pathname } = new URL(request.url ?? '', 'http://upstream');
    // Of a request whose sender died only a part may have come.
    const body = await json(request).catch(() => undefined);
    if (body === undefined) return;
    await latency();
    const [status, answer] = !calm && random.oneIn(12) ? REFUSAL : act(pathname, body as Request);
    await latency();
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  };

  const server = createServer((request, response) => void serve(request, response));
  // An idle connection is kept: closing it would cross with a request now and then.
  server.keepAliveTimeout = 0;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    disableFaults: () => {
      calm = true;
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
