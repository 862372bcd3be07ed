import supertest, { type Agent, type Response, type Test } from 'supertest';
import { startSandbox, type SandboxOptions } from '../../src/sandbox/sandbox.js';
import { FakeClock } from './fake-clock.js';

/** A number that no scenario has. */
export const TO = '41793026727';
export const MAILBOX = 'ann@example.com';

/** What the service uses by default: no limit of it is met by accident. */
export const FURNISHED = { applicationId: 'sandbox-application', messageId: 'sandbox-message' };

/** The one that the sandbox knows at Sinch; written down here too, because the settings rely on it. */
export const SINCH_APPLICATION = {
  key: '5a4db0c5-0000-4000-8000-000000000000',
  secret: 'c2FuZGJveC1zZWNyZXQ=',
};

export const IDS = /^[0-9A-F]{32}$/;

/** A message, as `GET /sandbox/messages` shows it. */
interface Text {
  readonly to: string;
  readonly from: string;
  readonly channel: string;
  readonly text: string;
  readonly pin: string;
  readonly pinId: string;
  readonly provider: string;
  readonly sentAt: string;
}

/** A sandbox, and what a client of it does, as sentences. */
export interface TestSandbox {
  readonly url: string;
  /** With a key that is good. */
  readonly http: Agent;
  /** Without any. */
  readonly open: Agent;
  readonly clock: FakeClock;
  createApplication(configuration?: object): Promise<string>;
  createTemplate(applicationId: string, template?: object): Promise<string>;
  /** By the furnished application. */
  send(to: string, body?: object): Test;
  verify(pinId: string, pin: string): Test;
  /** Sends by an application that is made for it, and reads the PIN off the phone. */
  sendBy(configuration: object): Promise<{ applicationId: string; pinId: string; pin: string }>;
  /** Newest first. */
  inbox(to?: string): Promise<Text[]>;
  control(method: 'put' | 'delete', path: string, body?: object): Test;
  close(): Promise<void>;
}

export async function startTestSandbox(
  options: Pick<SandboxOptions, 'apiKey'> = {},
): Promise<TestSandbox> {
  const clock = new FakeClock();
  const { url, close } = await start(clock, options);
  const open = supertest.agent(url);
  const http = supertest.agent(url).set('authorization', `App ${options.apiKey ?? 'any'}`);

  const createApplication = async (configuration: object = {}): Promise<string> =>
    (await http.post('/2fa/2/applications').send({ name: 'a', configuration })).body.applicationId;
  const createTemplate = async (applicationId: string, template: object = {}): Promise<string> =>
    (
      await http
        .post(`/2fa/2/applications/${applicationId}/messages`)
        .send({ messageText: '{{pin}} for {{who}}', pinType: 'NUMERIC', ...template })
    ).body.messageId;
  const inbox = async (to?: string): Promise<Text[]> =>
    (await open.get('/sandbox/messages').query(to === undefined ? {} : { to })).body;

  return {
    url,
    http,
    open,
    clock,
    createApplication,
    createTemplate,
    send: (to, body = {}) => http.post('/2fa/2/pin').send({ ...FURNISHED, to, ...body }),
    verify: (pinId, pin) => http.post(`/2fa/2/pin/${pinId}/verify`).send({ pin }),
    sendBy: async (configuration) => {
      const applicationId = await createApplication(configuration);
      const messageId = await createTemplate(applicationId);
      const { body } = await http.post('/2fa/2/pin').send({ applicationId, messageId, to: TO });
      return { applicationId, pinId: body.pinId, pin: (await inbox(TO))[0]?.pin ?? '' };
    },
    inbox,
    control: (method, path, body) => open[method](`/sandbox/${path}`).send(body),
    close,
  };
}

async function start(clock: FakeClock, options: Pick<SandboxOptions, 'apiKey'>) {
  const sandbox = await startSandbox({ port: 0, now: () => clock.now(), ...options });
  return { url: sandbox.url, close: () => sandbox.close() };
}

/** Expects an error in the shape that the 2FA part of the API documents. */
export function expectRefusal(
  { status, body }: Response,
  expected: number,
  messageId: string,
  fields?: readonly string[],
): void {
  expect(status).toBe(expected);
  expect(body).toEqual({
    requestError: { serviceException: expect.objectContaining({ messageId }) },
  });
  if (fields)
    expect(Object.keys(body.requestError.serviceException.validationErrors)).toEqual(fields);
}
