import { createHash, createHmac } from 'node:crypto';
import { startSandbox } from '../../src/sandbox/sandbox.js';
import { CleanupService } from '../../src/storage/cleanup.service.js';
import { FakeClock } from './fake-clock.js';
import { scrape, total, type Sample } from './metrics.js';
import { startRecordingProxy, type RecordingProxy } from './recording-proxy.js';
import { SINCH_APPLICATION } from './sandbox.js';
import { readCodes } from './sandbox-calls.js';
import { startService, type RunningService } from './service.js';

export const REPORT_TOKEN = 'a-token-that-only-tests-know';

/** Settings that switch on the delivery reports of both providers. */
export const REPORT_SETTINGS = {
  INFOBIP_REPORT_TOKEN: REPORT_TOKEN,
  SINCH_REPORTS: 'true',
  PUBLIC_URL: 'https://auth.example.test/codes',
  PROVIDERS: 'infobip,sinch',
  // Tests send many messages and verify few.
  PUMPING_GUARD: 'off',
  THROTTLE_SEND_LIMIT: '1000',
};

/** The path that Sinch signs: that of `PUBLIC_URL`. */
const SIGNED_PATH = '/codes/provider-reports/sinch';

/** A service whose messages are tracked, and calls by which tests report their delivery. */
export interface TrackedService extends RunningService {
  readonly proxy: RecordingProxy;
  /** Sends a code, to a new number unless the body has one. */
  send(body?: object): Promise<SentMessage>;
  /** Posts reports as Infobip does. */
  reportInfobip(body: unknown, headers?: Record<string, string>): Promise<Response>;
  /** Posts an event as Sinch does, signed. */
  callBackSinch(event: object, signing?: CallbackSigning): Promise<Response>;
  getDelivery(pinId: string): Promise<unknown>;
  cleanUp(): Promise<void>;
  /** The code that a phone received last. */
  getLastCode(phoneNumber: string): Promise<string>;
  getMetric(name: string, labels: Sample['labels']): Promise<number>;
}

interface SentMessage {
  readonly pinId: string;
  readonly phoneNumber: string;
  /** The provider's id of the message. */
  readonly messageId: string;
}

/** Values that replace right ones in a signed request, to make its signature wrong. */
interface CallbackSigning {
  readonly secret?: string;
  readonly key?: string;
  readonly path?: string;
  readonly timestamp?: string;
  readonly sentBody?: string;
  readonly authorization?: string;
}

export const NUMBER = '+14155552671';

export async function startTrackedService(
  settings: NodeJS.ProcessEnv = {},
  clock = new FakeClock(),
): Promise<TrackedService> {
  const sandbox = await startSandbox({ port: 0, now: () => clock.now() });
  const proxy = await startRecordingProxy(sandbox.url);
  const urls = { INFOBIP_BASE_URL: proxy.url, SINCH_BASE_URL: proxy.url };
  const service = await startService({ ...REPORT_SETTINGS, ...urls, ...settings }, clock);
  let sendCount = 0;
  const post = (path: string, body: string, headers: Record<string, string>) =>
    fetch(`${service.url}/provider-reports/${path}`, { method: 'POST', body, headers });
  return {
    ...service,
    proxy,
    send: async (body = {}) => {
      sendCount += 1;
      const request = { phoneNumber: `+1415555${String(3_000 + sendCount)}`, ...body };
      const response = await service.http.post('/otp/send').send(request).expect(200);
      const messageId = proxy.messageIds.at(-1) ?? '';
      return { pinId: response.body.pinId, phoneNumber: request.phoneNumber, messageId };
    },
    reportInfobip: (body, headers = { 'x-delivery-token': REPORT_TOKEN }) =>
      post('infobip', typeof body === 'string' ? body : JSON.stringify(body), {
        'content-type': 'application/json',
        ...headers,
      }),
    callBackSinch: (event, signing = {}) => {
      const body = JSON.stringify(event);
      return post('sinch', signing.sentBody ?? body, signCallback(body, signing));
    },
    getDelivery: async (pinId) =>
      (await service.http.get(`/otp/${pinId}`).expect(200)).body.delivery as unknown,
    cleanUp: () => service.app.get(CleanupService).runOnce(),
    getLastCode: async (phoneNumber) => (await readCodes(sandbox.url, phoneNumber))[0] ?? '',
    getMetric: async (name, labels) => total(await scrape(service.url), name, labels),
    close: async () => {
      await service.close();
      await proxy.close();
      await sandbox.close();
    },
  };
}

function signCallback(body: string, signing: CallbackSigning): Record<string, string> {
  const { key = SINCH_APPLICATION.key, secret = SINCH_APPLICATION.secret } = signing;
  const { path = SIGNED_PATH, timestamp = new Date().toISOString() } = signing;
  const contentType = 'application/json; charset=utf-8';
  const md5 = createHash('md5').update(body).digest('base64');
  const signed = ['POST', md5, contentType, `x-timestamp:${timestamp}`, path].join('\n');
  const signature = createHmac('sha256', Buffer.from(secret, 'base64'))
    .update(signed)
    .digest('base64');
  return {
    authorization: signing.authorization ?? `Application ${key}:${signature}`,
    'x-timestamp': timestamp,
    'content-type': contentType,
  };
}

/** The time of the status in each report of Infobip. */
export const DONE_AT = '2030-01-01T00:00:04.500Z';

/** A report of Infobip with one of its statuses. */
export const infobipReport = (messageId: string, status: string, changes: object = {}) => ({
  messageId,
  to: NUMBER.slice(1),
  doneAt: DONE_AT.replace('Z', '+0000'),
  status: INFOBIP_STATUSES[status],
  error: { groupId: 0, groupName: 'OK', id: 0, name: 'NO_ERROR', permanent: false },
  price: { pricePerMessage: 0.031, currency: 'EUR' },
  messageCount: 1,
  ...changes,
});

const INFOBIP_STATUSES: Readonly<Record<string, object>> = {
  pending: { groupId: 1, groupName: 'PENDING', id: 7, name: 'PENDING_ENROUTE' },
  delivered: { groupId: 3, groupName: 'DELIVERED', id: 5, name: 'DELIVERED_TO_HANDSET' },
  unreachable: {
    groupId: 2,
    groupName: 'UNDELIVERABLE',
    id: 9,
    name: 'UNDELIVERABLE_NOT_DELIVERED',
  },
  expired: { groupId: 4, groupName: 'EXPIRED', id: 15, name: 'EXPIRED_EXPIRED' },
  unknown: { groupId: 4, groupName: 'EXPIRED', id: 29, name: 'EXPIRED_DLR_UNKNOWN' },
  no_credit: { groupId: 5, groupName: 'REJECTED', id: 12, name: 'REJECTED_NOT_ENOUGH_CREDITS' },
};
