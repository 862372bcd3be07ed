import { readFileSync } from 'node:fs';
import { minutes, seconds } from '../../src/common/durations.js';
import { startSandboxedService, type SandboxedService } from '../support/service.js';
import { newApiKey } from '../support/api-key.js';
import { parseHttpFile, resolveVariables, type HttpFileRequest } from './support/http-file.js';

const FILE = parseHttpFile(readFileSync('examples/http/otp.http', 'utf8'));
const shop = newApiKey('shop');

/** The expected status and body for each request, by its name, in the order of the file. */
const ANSWERS = {
  send: [200, { to: '+1415•••2671', channel: 'sms' }],
  inbox: [200, [expect.objectContaining({ channel: 'sms' })]],
  pending: [200, { status: 'pending' }],
  wrong: [200, { verified: false, reason: 'wrong_code', attemptsRemaining: 4 }],
  resend: [200, { channel: 'voice' }],
  verify: [200, { verified: true }],
  again: [200, { verified: false, reason: 'already_verified' }],
  lookup: [200, { verified: true }],
  cancel: [204, undefined],
  erase: [204, undefined],
  invalid: [400, { code: 'validation_failed', errors: [{ pointer: '#/phoneNumber' }] }],
  live: [200, { status: 'ok' }],
  ready: [200, { status: 'ok' }],
  metrics: [200, undefined],
  proofKeys: [404, { code: 'not_found' }],
  document: [200, { openapi: '3.1.0' }],
};

describe.each([
  ['without API keys', {}, {}, 200],
  ['with an API key', { API_KEYS: shop.entry }, { apiKey: shop.key }, 404],
])('The file otp.http, sent to a service %s', (_what, settings, variables, metricsStatus) => {
  let service: SandboxedService;
  const sentTo: string[] = [];
  let answers: Record<string, [status: number, body: unknown]> = {};

  const bodies: Record<string, unknown> = {};

  /** Sends a request of the file. */
  async function run({ name, method, url, headers, body }: HttpFileRequest): Promise<void> {
    const values = {
      ...FILE.variables,
      ...variables,
      url: service.url,
      sandbox: service.sandboxUrl,
    };
    const resolve = (text: string) => resolveVariables(text, values, bodies);
    const resolvedHeaders = Object.entries(headers).map(([key, text]) => [key, resolve(text)]);
    const response = await fetch(resolve(url), {
      method,
      headers: Object.fromEntries(resolvedHeaders) as Record<string, string>,
      ...(body !== undefined && { body: resolve(body) }),
    });
    const isJson = response.headers.get('content-type')?.includes('json') ?? false;
    bodies[name] = isJson ? await response.json() : undefined;
    answers[name] = [response.status, bodies[name]];
    sentTo.push(`${method} ${url.replace('{{url}}', '').replace(/\{\{send.*\}\}/, '{pinId}')}`);
  }

  beforeAll(async () => {
    service = await startSandboxedService(settings);
    for (const request of FILE.requests) {
      if (request.name === 'resend') service.clock.advance(seconds(30));
      await run(request);
    }
  });

  afterAll(() => service.close());

  it.each(Object.entries(ANSWERS))(
    'has a request %s that gets the expected response',
    (name, expected) => {
      const [status, body] = expected;
      const expectedStatus = name === 'metrics' ? metricsStatus : status;
      expect(answers[name]?.[0]).toBe(expectedStatus);
      if (body !== undefined) expect(answers[name]?.[1]).toMatchObject(body);
    },
  );

  it('gets 429 for a resend during the cooldown, and `expired` for an expired code', async () => {
    const [send, inbox, resend, verify] = ['send', 'inbox', 'resend', 'verify'].map((name) =>
      FILE.requests.find((request) => request.name === name),
    ) as [HttpFileRequest, HttpFileRequest, HttpFileRequest, HttpFileRequest];
    const first = answers;
    answers = {};
    service.clock.advance(seconds(30));
    for (const request of [send, inbox, resend]) await run(request);
    service.clock.advance(minutes(5));
    await run(verify);

    expect(answers).toMatchObject({
      resend: [429, { code: 'cooldown_active' }],
      verify: [200, { verified: false, reason: 'expired' }],
    });
    // The next test checks the responses to the whole file.
    answers = first;
  });

  it('requests every operation of the API, and has only the requests expected above', () => {
    const { paths } = JSON.parse(readFileSync('openapi.json', 'utf8')) as {
      paths: Record<string, Record<string, unknown>>;
    };
    const calls = Object.entries(paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    );

    expect(sentTo).toEqual(expect.arrayContaining(calls));
    expect(Object.keys(answers)).toEqual(Object.keys(ANSWERS));
  });
});
