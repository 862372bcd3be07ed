import { createHash, createHmac } from 'node:crypto';
import supertest, { type Response, type Test } from 'supertest';
import { SINCH_APPLICATION, startTestSandbox, type TestSandbox } from './sandbox.js';

export const NUMBER = '+41793026727';
export const VERIFICATIONS = '/verification/v1/verifications';

/** What a client signs with, where it is not what it should be. */
interface Signing {
  readonly key?: string;
  readonly secret?: string;
  readonly timestamp?: string;
  readonly contentType?: string;
  /** What is signed in place of what is sent. */
  readonly signedBody?: string;
  readonly signedMethod?: string;
  readonly signedPath?: string;
}

/** The sandbox as Sinch, and what a client of it does, as sentences. */
export interface SinchSandbox extends TestSandbox {
  /** A signed call below /verifications. */
  ask(method: 'get' | 'post' | 'put', path: string, body?: object | string, how?: Signing): Test;
  start(request?: object, how?: Signing): Test;
  report(id: string, code: string, method?: string): Test;
  statusOf(id: string): Promise<Record<string, unknown>>;
  /** Starts, and reads the code off the phone. */
  started(request?: object): Promise<{ id: string; code: string }>;
}

export async function startSinchSandbox(): Promise<SinchSandbox> {
  const sandbox = await startTestSandbox();
  const ask: SinchSandbox['ask'] = (method, path, body, how = {}) => {
    const text = typeof body === 'object' ? JSON.stringify(body) : (body ?? '');
    const url = VERIFICATIONS + path;
    const call = supertest(sandbox.url)
      [method](url)
      .set(signedHeaders(method, url, text, how));
    return text === '' ? call : call.serialize((sent: unknown) => String(sent)).send(text);
  };
  const start: SinchSandbox['start'] = (request = {}, how) =>
    ask('post', '', { identity: identityOf(NUMBER), method: 'sms', ...request }, how);
  return {
    ...sandbox,
    ask,
    start,
    report: (id, code, method = 'sms') => ask('put', `/id/${id}`, { method, [method]: { code } }),
    statusOf: async (id) => (await ask('get', `/id/${id}`)).body,
    started: async (request) => {
      const { body } = await start(request).expect(200);
      return { id: body.id, code: (await sandbox.inbox())[0]?.pin ?? '' };
    },
  };
}

export const identityOf = (endpoint: string) => ({ type: 'number', endpoint });

/** Expects an error in Sinch's shape. */
export function expectSinchError({ status, body }: Response, errorCode: number): void {
  expect({ status, body }).toEqual({
    status: Math.floor(errorCode / 100),
    body: { errorCode, message: expect.any(String), reference: expect.any(String) },
  });
}

function signedHeaders(method: string, path: string, body: string, how: Signing) {
  const {
    key = SINCH_APPLICATION.key,
    secret = SINCH_APPLICATION.secret,
    timestamp = new Date().toISOString(),
    contentType = 'application/json',
    signedBody = body,
    signedMethod = method.toUpperCase(),
    signedPath = path.split('?')[0],
  } = how;
  const signature = createHmac('sha256', Buffer.from(secret, 'base64'))
    .update(
      [
        signedMethod,
        signedBody && createHash('md5').update(signedBody).digest('base64'),
        contentType,
        `x-timestamp:${timestamp}`,
        signedPath,
      ].join('\n'),
    )
    .digest('base64');
  return {
    authorization: `Application ${key}:${signature}`,
    'x-timestamp': timestamp,
    'content-type': contentType,
  };
}
