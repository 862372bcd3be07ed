import { createHash, createHmac } from 'node:crypto';
import supertest, { type Response, type Test } from 'supertest';
import { SINCH_APPLICATION, startTestSandbox, type TestSandbox } from './sandbox.js';

export const NUMBER = '+41793026727';
export const VERIFICATIONS = '/verification/v1/verifications';

/** Replacements for the signature's inputs and headers, mostly to make the signature wrong. */
interface SigningOptions {
  readonly key?: string;
  readonly secret?: string;
  readonly timestamp?: string;
  readonly contentType?: string;
  readonly signedBody?: string;
  readonly signedMethod?: string;
  readonly signedPath?: string;
}

/** A running sandbox, and the calls to its Sinch API that tests make most. */
export interface SinchSandbox extends TestSandbox {
  /** Makes a signed call below `/verifications`. */
  callSinch(
    method: 'get' | 'post' | 'put',
    path: string,
    body?: object | string,
    signing?: SigningOptions,
  ): Test;
  startVerification(request?: object, signing?: SigningOptions): Test;
  reportCode(id: string, code: string, method?: string): Test;
  getStatus(id: string): Promise<Record<string, unknown>>;
  /** Starts a verification and reads the code from the message. */
  startAndReadCode(request?: object): Promise<{ id: string; code: string }>;
}

export async function startSinchSandbox(): Promise<SinchSandbox> {
  const sandbox = await startTestSandbox();
  const callSinch: SinchSandbox['callSinch'] = (method, path, body, signing = {}) => {
    const text = typeof body === 'object' ? JSON.stringify(body) : (body ?? '');
    const url = VERIFICATIONS + path;
    const call = supertest(sandbox.url)
      [method](url)
      .set(createSignedHeaders(method, url, text, signing));
    // The signature covers this text: without `serialize`, supertest would encode it once more.
    return text === '' ? call : call.serialize((sent: unknown) => String(sent)).send(text);
  };
  const startVerification: SinchSandbox['startVerification'] = (request = {}, signing) =>
    callSinch('post', '', { identity: createIdentity(NUMBER), method: 'sms', ...request }, signing);
  return {
    ...sandbox,
    callSinch,
    startVerification,
    reportCode: (id, code, method = 'sms') =>
      callSinch('put', `/id/${id}`, { method, [method]: { code } }),
    getStatus: async (id) => (await callSinch('get', `/id/${id}`)).body,
    startAndReadCode: async (request) => {
      const { body } = await startVerification(request).expect(200);
      return { id: body.id, code: (await sandbox.listMessages())[0]?.pin ?? '' };
    },
  };
}

export const createIdentity = (endpoint: string) => ({ type: 'number', endpoint });

/** Expects an error in Sinch's format. Its code begins with the HTTP status. */
export function expectSinchError({ status, body }: Response, errorCode: number): void {
  expect({ status, body }).toEqual({
    status: Math.floor(errorCode / 100),
    body: { errorCode, message: expect.any(String), reference: expect.any(String) },
  });
}

function createSignedHeaders(method: string, path: string, body: string, signing: SigningOptions) {
  const {
    key = SINCH_APPLICATION.key,
    secret = SINCH_APPLICATION.secret,
    timestamp = new Date().toISOString(),
    contentType = 'application/json',
    signedBody = body,
    signedMethod = method.toUpperCase(),
    signedPath = path.split('?')[0],
  } = signing;
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
