import fc from 'fast-check';
import { Agent, request as httpRequest } from 'node:http';
import { text } from 'node:stream/consumers';
import { startPostgres, type PostgresServer } from '../support/services/postgres.js';
import { startSandboxedService, type SandboxedService } from '../support/service.js';

const RUNS = 400;
const ROUTES = [
  '/otp/send',
  '/otp/resend',
  '/otp/verify',
  '/otp/some-pin',
  '/otp/%00',
  '/otp/numbers/lookup',
  '/otp/numbers/erase',
  '/health/live',
  '/nowhere',
];

interface RandomRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

const method = fc.constantFrom(
  'GET',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'PROPFIND',
  'HEAD',
);
const path = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...ROUTES) },
  fc.webPath().map((tail) => `/${tail}`),
  fc.string({ unit: 'grapheme-ascii' }).map((tail) => `/otp/${tail.replace(/[\s#]/g, '')}`),
  fc.webQueryParameters().map((query) => `/otp/send?${query}`),
);
const headerName = fc.stringMatching(/^[a-z][a-z-]{0,20}$/).filter(
  // These set the length or the protocol of the request, so a random value breaks the client.
  (name) =>
    !/^(content-length|transfer-encoding|connection|host|expect|upgrade|trailer|te)$/.test(name),
);
const headers = fc
  .tuple(
    fc.constantFrom('application/json', 'application/json', 'text/plain', 'a/b', ';', ''),
    fc.dictionary(
      fc.oneof(headerName, fc.constant('idempotency-key')),
      fc.stringMatching(/^[ -~]{0,100}$/),
      { maxKeys: 5 },
    ),
  )
  .map(([type, others]) => ({ ...others, 'content-type': type }));
const field = fc.oneof(fc.jsonValue(), fc.constantFrom('+14155552671', '123456', 'sms', '\0'));
const body = fc.oneof(
  fc.json(),
  fc.string({ unit: 'binary' }),
  fc
    .record(
      { phoneNumber: field, channel: field, pinId: field, otpCode: field, reference: field },
      { requiredKeys: [] },
    )
    .map((fields) => JSON.stringify(fields)),
  fc.dictionary(fc.string(), fc.jsonValue()).map((fields) => JSON.stringify(fields)),
);
/** Mostly valid values: a request with one invalid field gets further than one with only invalid ones. */
const mostlyValid = (valid: fc.Arbitrary<unknown>) =>
  fc.oneof({ weight: 5, arbitrary: valid }, { weight: 1, arbitrary: field });
const phoneNumber = mostlyValid(fc.stringMatching(/^\+4917[0-9]{8}$/));
const locale = mostlyValid(fc.constantFrom('de', 'PT-br', 'x-a', null));
const channel = mostlyValid(fc.constantFrom('sms', 'voice', 'whatsapp', null));
const pinId = mostlyValid(fc.stringMatching(/^[\w-]{22}$/));
const reference = mostlyValid(fc.constantFrom('login-4711', null));
const endUserIp = mostlyValid(fc.oneof(fc.ipV4(), fc.ipV6(), fc.constant(null)));
const otpCode = mostlyValid(fc.stringMatching(/^[0-9]{6}$/));
const postTo = (path: string, fields: Record<string, fc.Arbitrary<unknown>>) =>
  fc.record(fields, { requiredKeys: [] }).map((values): RandomRequest => {
    const type = { 'content-type': 'application/json' };
    return { method: 'POST', path, headers: type, body: JSON.stringify(values) };
  });
const randomRequest = fc.oneof(
  fc.record<RandomRequest>({ method, path, headers, body }),
  fc.oneof(
    postTo('/otp/send', { phoneNumber, channel, reference, endUserIp, locale }),
    postTo('/otp/resend', { pinId, channel }),
    postTo('/otp/verify', { pinId, otpCode, reference }),
    postTo('/otp/verify', { phoneNumber, otpCode, reference }),
  ),
);

describe.each(['SQLite', 'PostgreSQL'])('Random requests to a service on %s', (engine) => {
  const agent = new Agent({ keepAlive: true });
  let postgres: PostgresServer;
  let service: SandboxedService;

  beforeAll(async () => {
    postgres = await startPostgres();
    service = await startSandboxedService({
      ...(engine === 'PostgreSQL' && { DATABASE_URL: await postgres.createDatabase() }),
      THROTTLE_SEND_LIMIT: '1000000',
      THROTTLE_VERIFY_LIMIT: '1000000',
    });
  });

  afterAll(async () => {
    agent.destroy();
    await service.close();
    await postgres.stop();
  });

  function sendRequest({ method, path, headers, body }: RandomRequest) {
    return new Promise<{ status: number; type: string; body: string }>((resolve, reject) => {
      const outgoing = httpRequest(service.url, { agent, method, path, headers, timeout: 5_000 });
      outgoing.on('timeout', () => outgoing.destroy(new Error('no response within 5 s')));
      outgoing.on('error', reject);
      outgoing.on('response', (incoming) => {
        const { statusCode: status = 0, headers: responseHeaders } = incoming;
        text(incoming).then((response) => {
          resolve({ status, type: responseHeaders['content-type'] ?? '', body: response });
        }, reject);
      });
      outgoing.end(method === 'GET' || method === 'HEAD' ? undefined : body);
    });
  }

  it('never get a 5xx, and get a problem document if they are rejected', async () => {
    await fc.assert(
      fc.asyncProperty(randomRequest, async (request) => {
        const response = await sendRequest(request);

        expect(response.status).toBeLessThan(500);
        if (response.status < 400) return;
        expect(response.type).toBe('application/problem+json');
        if (request.method === 'HEAD') return;
        expect(JSON.parse(response.body)).toMatchObject({
          status: response.status,
          code: expect.stringMatching(/^[a-z_]+$/),
        });
      }),
      { numRuns: RUNS },
    );
  });
});
