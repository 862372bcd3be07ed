import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import type { History } from './history.js';
import { listen } from '../listen.js';
import type { SeededRandom } from '../seeded-random.js';

/** A fake of the Infobip 2FA API that records every call. It outlives the service's process. */
export interface RecordingProvider {
  readonly url: string;
  /** From then on the provider performs every call, without a delay. */
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

type Reply = [status: number, body: object];

const PATH = /^\/2fa\/2\/pin(?:\/(?<pinId>\w+)\/(?<operation>resend|verify))?$/;
const THROTTLED: Reply = [429, {}];
/** The reply to a status call. It lists no checks, so lost results stay unknown. */
const NO_VERIFICATIONS = JSON.stringify({ verifications: [] });

/**
 * Starts a provider that waits before it performs a call and again before it responds, so that a
 * crash can come before, between and after both. The provider rejects one call in twelve. It accepts
 * a right code any number of times: only the service ensures that the code counts once.
 */
export async function startRecordingProvider(
  history: History,
  random: SeededRandom,
): Promise<RecordingProvider> {
  const pins = new Map<string, Pin>();
  let faultsEnabled = true;

  const latency = async () => {
    if (faultsEnabled)
      await delay(random.oneIn(8) ? random.between(100, 250) : random.between(0, 25));
  };

  const sendMessage = (operation: 'send' | 'resend', { pinId, phoneNumber, code }: Pin): Reply => {
    history.messages.push({ operation, at: Date.now(), phoneNumber, providerPinId: pinId, code });
    return [200, { pinId, to: phoneNumber.slice(1), smsStatus: 'MESSAGE_SENT' }];
  };

  const checkCode = ({ pinId, phoneNumber, code: rightCode }: Pin, code: string): Reply => {
    const isCorrect = code === rightCode;
    history.codeChecks.push({ at: Date.now(), phoneNumber, providerPinId: pinId, code, isCorrect });
    const error = isCorrect ? {} : { pinError: 'WRONG_PIN' };
    return [200, { pinId, msisdn: phoneNumber.slice(1), verified: isCorrect, ...error }];
  };

  const newPin = (to: string): Pin => {
    const code = String(random.between(0, 999_999)).padStart(6, '0');
    const pin = { pinId: `PIN${pins.size}`, phoneNumber: `+${to}`, code };
    pins.set(pin.pinId, pin);
    return pin;
  };

  const handle = (path: string, { to = '', pin: code = '' }: Request): Reply => {
    const match = PATH.exec(path);
    if (!match) return [404, {}];
    const { pinId, operation } = match.groups ?? {};
    if (pinId === undefined) return sendMessage('send', newPin(to));
    const pin = pins.get(pinId);
    if (!pin) return [404, {}];
    return operation === 'resend' ? sendMessage('resend', pin) : checkCode(pin, code);
  };

  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const { pathname } = new URL(request.url ?? '', 'http://provider');
    if (request.method === 'GET') {
      response.writeHead(200, { 'content-type': 'application/json' }).end(NO_VERIFICATIONS);
      return;
    }
    // A killed service may have sent only a part of its request.
    const body = await json(request).catch(() => undefined);
    if (body === undefined) return;
    await latency();
    const [status, result] =
      faultsEnabled && random.oneIn(12) ? THROTTLED : handle(pathname, body as Request);
    await latency();
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(result));
  };

  const server = createServer((request, response) => void serve(request, response));
  // Keep idle connections open: closing one could race with a new request on it.
  server.keepAliveTimeout = 0;
  return {
    ...(await listen(server)),
    disableFaults: () => {
      faultsEnabled = false;
    },
  };
}
