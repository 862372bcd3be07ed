import { startSandbox } from '../../src/sandbox/sandbox.js';
import { CleanupService } from '../../src/storage/cleanup.service.js';
import { FakeClock } from './fake-clock.js';
import { scrape, total, type Sample } from './metrics.js';
import { DEFAULT_IDS, SINCH_APPLICATION } from './sandbox.js';
import { startService, type RunningService } from './service.js';

export const REPORT_TOKEN = 'a-token-that-only-tests-know';
const HMAC_SECRET = 'made-up-delivery-key-01';
/** The header in which Infobip signs a report; the account's owner chooses its name. */
export const HMAC_HEADER = 'x-ours';

export type ReportingProvider = 'infobip' | 'sinch';

const { key, secret } = SINCH_APPLICATION;
const CREDENTIALS: Record<ReportingProvider, string> = {
  infobip: 'App any',
  sinch: `Basic ${Buffer.from(`${key}:${secret}`).toString('base64')}`,
};

/** A report, as the sandbox lists it. */
interface SentReport {
  readonly messageId: string;
  readonly status: string;
  readonly state: string;
  readonly response?: number | null;
}

/** Replicas of the service on one database, and a sandbox that reports to the last one. */
export interface ReportingSandbox {
  readonly clock: FakeClock;
  readonly replicas: readonly RunningService[];
  /** Sends a code by the first replica. */
  send(phoneNumber: string): Promise<{ pinId: string; messageId: string }>;
  resend(pinId: string): Promise<{ messageId: string }>;
  /** Starts a send at the provider without the service. @returns the response */
  sendElsewhere(phoneNumber: string): Promise<Record<string, unknown>>;
  /** `delivery` of the verification, by the first replica. */
  getDelivery(pinId: string): Promise<unknown>;
  /** Calls a control route of the sandbox. */
  control(method: string, path: string, body?: object): Promise<unknown>;
  /** Removes the planned faults and reports of earlier tests. */
  reset(): Promise<void>;
  /** Plans how the sandbox reports the next messages. */
  planReport(fault: object): Promise<void>;
  /**
   * Sends the reports that are due, or all. Then runs the cleanup, as `cleanUp` does.
   * @returns all reports, newest first
   */
  deliverReports(which?: 'due' | 'all'): Promise<SentReport[]>;
  /**
   * Sends one more report of a message.
   * @param outcome by default, the message was delivered
   * @returns the HTTP status of the service's response
   */
  report(messageId: string, outcome?: object): Promise<number>;
  /** Runs the cleanup. It links reports that came before the response to their send to messages. */
  cleanUp(): Promise<void>;
  /** Posts to the URL for reports of a replica, as anybody could. @returns the HTTP status */
  postToReplica(index: number, body: object, headers: Record<string, string>): Promise<number>;
  /** A phone number that no test has used. */
  createNumber(): string;
  /** The sum of a metric over all replicas, and over all series with these labels. */
  getMetric(name: string, labels: Sample['labels']): Promise<number>;
  close(): Promise<void>;
}

/** @param settings the settings of every replica, including those of their common database */
export async function startReportingSandbox(
  provider: ReportingProvider,
  settings: NodeJS.ProcessEnv,
  replicaCount = 1,
): Promise<ReportingSandbox> {
  const clock = new FakeClock();
  const sandbox = await startSandbox({ port: 0, now: () => clock.now(), hasFloodFilter: false });
  const replicas: RunningService[] = [];
  for (let i = 0; i < replicaCount; i += 1)
    replicas.push(await startService(createSettings(provider, sandbox.url, settings), clock));
  const [first, last] = [replicas[0], replicas.at(-1)];
  if (!first || !last) throw new Error('There must be a replica.');
  const callbackUrl = `${last.url}/provider-reports/${provider}`;
  const call = async (method: string, path: string, body?: object): Promise<unknown> => {
    const response = await fetch(`${sandbox.url}/${path}`, {
      method,
      headers: { 'content-type': 'application/json', authorization: CREDENTIALS[provider] },
      body: body === undefined ? null : JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${await response.text()}`);
    return response.status === 204 ? undefined : response.json();
  };
  const control: ReportingSandbox['control'] = (method, path, body) =>
    call(method, `sandbox/${path}`, body);
  if (provider === 'sinch') await control('PUT', 'settings', { sinchCallbackUrl: callbackUrl });
  else await call('POST', 'subscriptions/1/subscription/SMS', createSubscription(callbackUrl));
  if (provider === 'infobip') await control('PUT', 'settings', { reportHmacHeader: HMAC_HEADER });
  const cleanUp = () => first.app.get(CleanupService).runOnce();
  let numberCount = 0;
  const findMessageId = async () => {
    const [newest] = (await control('GET', 'messages')) as { messageId?: string; pinId: string }[];
    return newest?.messageId ?? newest?.pinId ?? '';
  };
  return {
    clock,
    replicas,
    send: async (phoneNumber) => {
      const { body } = await first.http.post('/otp/send').send({ phoneNumber }).expect(200);
      return { pinId: body.pinId, messageId: await findMessageId() };
    },
    resend: async (pinId) => {
      await first.http.post('/otp/resend').send({ pinId }).expect(200);
      return { messageId: await findMessageId() };
    },
    sendElsewhere: async (phoneNumber) =>
      (await (provider === 'infobip'
        ? call('POST', '2fa/2/pin', {
            ...DEFAULT_IDS,
            to: phoneNumber.slice(1),
            trackDelivery: true,
          })
        : call('POST', 'verification/v1/verifications', {
            identity: { type: 'number', endpoint: phoneNumber },
            method: 'sms',
          }))) as Record<string, unknown>,
    getDelivery: async (pinId) =>
      (await first.http.get(`/otp/${pinId}`).expect(200)).body.delivery as unknown,
    control,
    reset: async () => {
      await control('DELETE', 'faults');
      await control('DELETE', 'reports');
    },
    planReport: async (fault) => {
      await control('PUT', 'faults', { operation: 'report', provider, ...fault });
    },
    deliverReports: async (which = 'due') => {
      const sent = await control('POST', 'reports/deliver', { all: which === 'all' });
      await cleanUp();
      return sent as SentReport[];
    },
    report: async (messageId, outcome = {}) => {
      const sent = await control('POST', 'reports', { messageId, ...outcome });
      return (sent as { responses: number[] }).responses[0] ?? 0;
    },
    cleanUp,
    postToReplica: async (index, body, headers) => {
      const url = `${replicas[index]?.url ?? ''}/provider-reports/${provider}`;
      const request = { method: 'POST', body: JSON.stringify(body) };
      const allHeaders = { 'content-type': 'application/json', ...headers };
      return (await fetch(url, { ...request, headers: allHeaders })).status;
    },
    createNumber: () => {
      numberCount += 1;
      return `+1415555${String(2_000 + numberCount)}`;
    },
    getMetric: async (name, labels) => {
      const samples = await Promise.all(replicas.map(({ url }) => scrape(url)));
      return total(samples.flat(), name, labels);
    },
    close: async () => {
      for (const replica of replicas) await replica.close();
      await sandbox.close();
    },
  };
}

const createSettings = (
  provider: ReportingProvider,
  sandboxUrl: string,
  settings: NodeJS.ProcessEnv,
): NodeJS.ProcessEnv => ({
  PROVIDERS: provider,
  INFOBIP_BASE_URL: sandboxUrl,
  SINCH_BASE_URL: sandboxUrl,
  // Tests send many messages and verify few.
  PUMPING_GUARD: 'off',
  THROTTLE_SEND_LIMIT: '1000000',
  SENDS_PER_NUMBER_PER_DAY: '1000',
  ...(provider === 'infobip'
    ? {
        INFOBIP_REPORT_TOKEN: REPORT_TOKEN,
        INFOBIP_REPORT_HMAC_SECRET: HMAC_SECRET,
        INFOBIP_REPORT_HMAC_HEADER: HMAC_HEADER,
      }
    : { SINCH_REPORTS: 'true', PUBLIC_URL: 'https://auth.example.test' }),
  ...settings,
});

const createSubscription = (notifyUrl: string) => ({
  subscriptionId: 'otp-dlr',
  events: ['DELIVERY'],
  profile: {
    profileId: 'otp-dlr-profile',
    webhook: { notifyUrl },
    headers: { 'x-delivery-token': REPORT_TOKEN },
    security: {
      type: 'HMAC',
      credentials: { secretKey: HMAC_SECRET, algorithm: 'HMAC_SHA_256' },
    },
  },
});
