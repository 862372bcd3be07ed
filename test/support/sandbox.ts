import supertest, { type Agent, type Response, type Test } from 'supertest';
import { startSandbox, type Sandbox, type SandboxOptions } from '../../src/sandbox/sandbox.js';
import { FakeClock } from './fake-clock.js';
import { listMessages, readCodes, type ReceivedMessage } from './sandbox-calls.js';

/** An ordinary number, no magic one of the sandbox. Without `+`, as in Infobip's API. */
export const PHONE_NUMBER = '41793026727';
export const EMAIL_ADDRESS = 'ann@example.com';

/** One of the hundred magic numbers of an area code, which selects the fault. */
export const createMagicNumber = (areaCode: number, index = 0) =>
  `1${areaCode}55501${String(index).padStart(2, '0')}`;

/** The application and template that every sandbox has. Its limits are too wide to be reached. */
export const DEFAULT_IDS = { applicationId: 'sandbox-application', messageId: 'sandbox-message' };

/**
 * The sandbox's Sinch application, whose key and secret are the defaults of SINCH_APPLICATION_KEY and
 * SINCH_APPLICATION_SECRET. They are repeated here, so that tests fail if they change.
 */
export const SINCH_APPLICATION = {
  key: '5a4db0c5-0000-4000-8000-000000000000',
  secret: 'c2FuZGJveC1zZWNyZXQ=',
};

/** The ids of applications, PINs and message templates. */
export const INFOBIP_ID_PATTERN = /^[0-9A-F]{32}$/;

/** The ids of tracked messages at Infobip, and of verifications at Sinch. */
export const UUID_PATTERN = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/;

/** A report and its state, as `GET /sandbox/reports` returns it. */
interface SentReport {
  readonly provider: string;
  readonly messageId: string;
  readonly to: string;
  readonly status: string;
  readonly state: string;
  readonly attempts: number;
  readonly response?: number | null;
  readonly dueAt?: string;
}

/** A running sandbox with a fake clock, and the calls that tests make most. */
export interface TestSandbox extends Pick<Sandbox, 'setReportUrls'> {
  readonly url: string;
  /** Sends a valid API key. */
  readonly http: Agent;
  /** Sends no API key. */
  readonly anonymousHttp: Agent;
  readonly clock: FakeClock;
  createApplication(configuration?: object): Promise<string>;
  createTemplate(applicationId: string, template?: object): Promise<string>;
  /** Sends a PIN with the default application. */
  send(to: string, body?: object): Test;
  verify(pinId: string, pin: string): Test;
  /** Creates an application, sends a PIN with it and reads the PIN from the message. */
  sendWithConfiguration(
    configuration: object,
  ): Promise<{ applicationId: string; pinId: string; pin: string }>;
  /** The messages to a recipient, or all, newest first. */
  listMessages(to?: string): Promise<ReceivedMessage[]>;
  /** Sends the reports that are due, or all. @returns all reports, newest first */
  deliverReports(which?: 'due' | 'all'): Promise<SentReport[]>;
  /** Calls a control route below `/sandbox`. */
  callControl(method: 'put' | 'post' | 'delete', path: string, body?: object): Test;
  close(): Promise<void>;
}

export async function startTestSandbox(
  options: Omit<SandboxOptions, 'port' | 'host' | 'now'> = {},
): Promise<TestSandbox> {
  const clock = new FakeClock();
  const sandbox = await startSandbox({ port: 0, now: () => clock.now(), ...options });
  const { url } = sandbox;
  const anonymousHttp = supertest.agent(url);
  const http = supertest.agent(url).set('authorization', `App ${options.apiKey ?? 'any'}`);

  const createApplication = async (configuration: object = {}): Promise<string> =>
    (await http.post('/2fa/2/applications').send({ name: 'a', configuration })).body.applicationId;
  const createTemplate = async (applicationId: string, template: object = {}): Promise<string> =>
    (
      await http
        .post(`/2fa/2/applications/${applicationId}/messages`)
        .send({ messageText: '{{pin}} for {{name}}', pinType: 'NUMERIC', ...template })
    ).body.messageId;

  return {
    url,
    http,
    anonymousHttp,
    clock,
    createApplication,
    createTemplate,
    send: (to, body = {}) => http.post('/2fa/2/pin').send({ ...DEFAULT_IDS, to, ...body }),
    verify: (pinId, pin) => http.post(`/2fa/2/pin/${pinId}/verify`).send({ pin }),
    sendWithConfiguration: async (configuration) => {
      const applicationId = await createApplication(configuration);
      const messageId = await createTemplate(applicationId);
      const request = { applicationId, messageId, to: PHONE_NUMBER };
      const { body } = await http.post('/2fa/2/pin').send(request);
      const [pin = ''] = await readCodes(url, PHONE_NUMBER);
      return { applicationId, pinId: body.pinId, pin };
    },
    listMessages: (to) => listMessages(url, to),
    deliverReports: async (which = 'due') =>
      (await anonymousHttp.post('/sandbox/reports/deliver').send({ all: which === 'all' })).body,
    setReportUrls: (urls) => {
      sandbox.setReportUrls(urls);
    },
    callControl: (method, path, body) => anonymousHttp[method](`/sandbox/${path}`).send(body),
    close: () => sandbox.close(),
  };
}

/** Expects an error in the shape that Infobip documents for its 2FA API. */
export function expectInfobipError(
  { status, body }: Response,
  expectedStatus: number,
  code: string,
  fields?: readonly string[],
): void {
  expect(status).toBe(expectedStatus);
  expect(body).toEqual({
    requestError: { serviceException: expect.objectContaining({ messageId: code }) },
  });
  if (fields)
    expect(Object.keys(body.requestError.serviceException.validationErrors)).toEqual(fields);
}
