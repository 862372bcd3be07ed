import { seconds } from '../../src/common/durations.js';
import { newApiKey } from '../support/api-key.js';
import { expectProblem } from '../support/problem.js';
import { PRODUCTION_SETTINGS } from '../support/production-settings.js';
import { startSandboxedService, startService, type SandboxedService } from '../support/service.js';

const NUMBER = '+14155552671';
const OR_NONE = ', or leave the field out';
const PIN_ID = 'a'.repeat(22);

describe('An error response', () => {
  let service: SandboxedService;

  beforeAll(async () => {
    service = await startSandboxedService();
  });

  afterAll(() => service.close());

  const post = (path: string, body: object) => service.http.post(path).send(body);
  const postText = (path: string, body: string, headers: Record<string, string> = {}) =>
    fetch(service.url + path, { method: 'POST', body: Buffer.from(body), headers });

  it.each([
    ['/otp/send', 'phone', '`phoneNumber`'],
    ['/otp/send', 'phone_number', '`phoneNumber`'],
    ['/otp/send', 'phonenumber', '`phoneNumber`'],
    ['/otp/send', 'phoneNumer', '`phoneNumber`'],
    ['/otp/send', 'to', '`phoneNumber`'],
    ['/otp/send', 'msisdn', '`phoneNumber`'],
    ['/otp/send', 'chanel', '`channel`'],
    ['/otp/verify', 'code', '`otpCode`'],
    ['/otp/verify', 'otp', '`otpCode`'],
    ['/otp/verify', 'otp-code', '`otpCode`'],
    ['/otp/verify', 'pin', '`pinId` or `otpCode`'],
    ['/otp/resend', 'pin', '`pinId`'],
    ['/otp/numbers/lookup', 'number', '`phoneNumber`'],
  ])('of %s names the unknown field %s and suggests %s', async (path, name, suggestion) => {
    const response = await post(path, { [name]: '415' });

    expectProblem(response, 400, 'validation_failed');
    expect(response.body.errors).toContainEqual({
      pointer: `#/${name}`,
      detail: `Unknown field \`${name}\`. Did you mean ${suggestion}?`,
    });
  });

  it('lists the known fields if none of them is similar to the unknown field', async () => {
    const { body } = await post('/otp/send', { phoneNumber: NUMBER, colour: { red: 1 } });

    expect(body.errors).toEqual([
      {
        pointer: '#/colour',
        detail:
          'Unknown field `colour`. Send no other fields than phoneNumber, channel, reference, eventReference, endUserIp, locale.',
      },
    ]);
  });

  it.each(['+14155552671', '123456', 'ABCDEF', `otp_${'aB3'.repeat(14)}`])(
    'does not repeat the unknown name %s, which may be a number, a code or a key',
    async (name) => {
      const { body } = await post('/otp/send', { phoneNumber: NUMBER, [name]: 'x' });

      expect(body.errors).toEqual([{ pointer: '#', detail: expect.stringMatching(/^Send no/) }]);
      expect(service.log.text).not.toContain(name);
    },
  );

  it.each([
    ['/otp/send', { phoneNumber: null }, '#/phoneNumber', ''],
    ['/otp/send', { phoneNumber: NUMBER, channel: null }, '#/channel', OR_NONE],
    ['/otp/resend', { pinId: ['a'] }, '#/pinId', ''],
    ['/otp/verify', { pinId: null, otpCode: '123456' }, '#/pinId', ''],
    ['/otp/verify', { pinId: null, phoneNumber: NUMBER, otpCode: '123456' }, '#/pinId', OR_NONE],
    ['/otp/verify', { pinId: PIN_ID, otpCode: {} }, '#/otpCode', ''],
  ])('of %s to %j asks for a plain value at %s%s', async (path, body, pointer, advice) => {
    const response = await post(path, body);

    expectProblem(response, 400, 'validation_failed');
    expect(response.body.errors).toEqual([
      { pointer, detail: `Give a plain value, not null, a list or an object${advice}.` },
    ]);
  });

  it('names at most ten unknown fields', async () => {
    const names = Array.from({ length: 20 }, (_, length) => `colour_${'x'.repeat(length + 1)}`);
    const fields = Object.fromEntries(names.map((name) => [name, 1]));
    const { body } = await post('/otp/send', { phoneNumber: NUMBER, ...fields });

    // The eleventh error stands for all other unknown fields.
    expect(body.errors).toHaveLength(11);
  });

  it.each([
    ['Neither pinId nor phoneNumber', { otpCode: '123456' }],
    ['Both pinId and phoneNumber', { otpCode: '123456', pinId: PIN_ID, phoneNumber: NUMBER }],
  ])('says that a verify request has %s', async (detail, body) => {
    expect((await post('/otp/verify', body)).body.errors).toEqual([
      { pointer: '#/pinId', detail: expect.stringContaining(detail) },
    ]);
  });

  it('to an invalid Idempotency-Key says that this header is invalid', async () => {
    const response = await post('/otp/send', { phoneNumber: NUMBER }).set(
      'idempotency-key',
      'a'.repeat(256),
    );

    expectProblem(response, 400, 'validation_failed');
    expect(response.body.detail).toContain('The header `Idempotency-Key` is invalid.');
  });

  it('to a body without a Content-Type says that the header is missing', async () => {
    const response = await postText('/otp/send', '{}');

    expect(await response.json()).toMatchObject({
      status: 415,
      title: 'The Content-Type header is not application/json',
      detail: expect.stringContaining('The `Content-Type` header is missing.'),
    });
  });

  it.each([
    ['', 'The body is empty.'],
    [
      '{"phoneNumber": "+14155552671"',
      'it ends at line 1, column 31, where `,` or `}` is expected',
    ],
    ['{"phoneNumber": "+1415', 'at line 1, column 17, a string in double quotes'],
    ['{"reference":"a\nb"}', 'at line 1, column 14, a string'],
    ['{"phoneNumber": +14155552671}', 'at line 1, column 17, a string'],
    [
      "{'phoneNumber': '+14155552671'}",
      'at line 1, column 2, a name in double quotes is expected.',
    ],
    ['{\n  phoneNumber: 1\n}', 'at line 2, column 3, a name in double quotes is expected.'],
    ['{"phoneNumber" "+14155552671"}', 'at line 1, column 16, `:` is expected after the name.'],
    [
      '{"channel":"sms" "reference":"x"}',
      'at line 1, column 18, `,` or `}` is expected after the value.',
    ],
    ['{"channel":"sms",}', 'at line 1, column 18, a name'],
    ['{"channel":"sms"}}', 'at line 1, column 18, the end'],
    ['phoneNumber=%2B14155552671', 'at line 1, column 1, `{` is expected.'],
    ['{"__proto__":1}', 'a field named `__proto__`'],
    [
      '{"reference":{"__proto__":1}}',
      'The body is not a flat JSON object: at line 1, column 14, a string in double quotes or another',
    ],
    [
      '[{"__proto__":1}]',
      'The body is not a flat JSON object: at line 1, column 1, `{` is expected.',
    ],
  ])('to the body %j says what is wrong, and where', async (body, detail) => {
    const response = await postText('/otp/send', body, { 'content-type': 'application/json' });
    const problem = (await response.json()) as { detail: string };

    expect(problem).toMatchObject({ status: 400, code: 'malformed_body' });
    expect(problem.detail).toContain(detail);
    expect(problem.detail).not.toContain('4155552671');
  });

  it('to a body that is not UTF-8 names the encoding', async () => {
    const response = await fetch(`${service.url}/otp/send`, {
      method: 'POST',
      body: Buffer.from('{"reference":"\xff"}', 'latin1'),
      headers: { 'content-type': 'application/json' },
    });

    expect(await response.json()).toMatchObject({ detail: expect.stringContaining('UTF-8') });
  });

  it.each([
    ['post', '/otp/verifi', 'POST /otp/verify'],
    ['post', '/otp/sent', 'POST /otp/send'],
    ['post', '/opt/resend', 'POST /otp/resend'],
    ['post', '/otp/numbers/look-up', 'POST /otp/numbers/lookup'],
    ['post', '/opt/send', 'POST /otp/send'],
    ['post', '/send', 'POST /otp/send'],
    ['post', '/api/v1/otp/send/', 'POST /otp/send'],
    ['get', '/doc', 'GET /docs'],
    ['get', '/health/readyz', 'GET /health/ready'],
  ] as const)('to %s %s is a 404 that names %s', async (method, path, nearest) => {
    const response = await service.http[method](path);

    expectProblem(response, 404, 'not_found');
    expect(response.body.detail).toContain(`The nearest is \`${nearest}\`.`);
  });

  it.each(['/otp', '/api', '/robots.txt', '/demo-state', '/users/list'])(
    'to get %s is a 404 that names no route, because none is similar and documented',
    async (path) => {
      const response = await fetch(service.url + path);

      expect(await response.json()).toMatchObject({
        code: 'not_found',
        detail: 'No route has this path. Check the path; `/docs` lists every route.',
      });
    },
  );

  it('does not repeat an unknown path, not even one of 8,000 characters', async () => {
    const path = `/otp/${'4155552671'.repeat(800)}`;
    const response = await service.http.post(path);

    expectProblem(response, 404, 'not_found');
    expect(response.text + service.log.text).not.toContain('4155552671');
  });

  it('is not sent for a route with a slash at its end', async () => {
    const response = await postText('/otp/numbers/lookup/', `{"phoneNumber":"${NUMBER}"}`, {
      'content-type': 'application/json',
    });

    expect(await response.json()).toEqual({ verified: false });
  });

  it('to a send within the cooldown says how long it lasts and that resend exists', async () => {
    const phoneNumber = '+14155552672';
    await post('/otp/send', { phoneNumber }).expect(200);
    service.clock.advance(seconds(7));
    const response = await post('/otp/send', { phoneNumber });

    expectProblem(response, 429, 'cooldown_active');
    expect(response.headers['retry-after']).toBe('23');
    expect(response.body.detail).toContain('in 23 s');
    expect(response.body.detail).toContain('/otp/resend');
  });

  it('is logged with the pointers of the invalid fields, without their values', async () => {
    await post('/otp/verify', { pinId: 7, otpCode: 654321, code: '777777' });
    const line = service.log.text.trim().split('\n').at(-1) ?? '';

    expect(JSON.parse(line)).toMatchObject({
      status: 400,
      problem: 'validation_failed',
      invalidFields: expect.arrayContaining(['#/pinId', '#/otpCode', '#/code']),
    });
    expect(line).not.toMatch(/654321|777777/);
  });
});

describe('A response to a client or browser that is not set up yet', () => {
  const shop = newApiKey('shop');
  const preflight = (url: string, origin: string) =>
    fetch(`${url}/otp/send`, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST' },
    });

  describe('with API keys', () => {
    let service: SandboxedService;

    beforeAll(async () => {
      service = await startSandboxedService({ API_KEYS: shop.entry });
    });

    afterAll(() => service.close());

    it.each([
      ['no header', undefined, 'The Authorization header is missing.'],
      ['an empty header', '', 'The Authorization header is empty.'],
      ['an unknown key', `Bearer ${newApiKey('shop').key}`, 'The API key is not known'],
      ['an empty key', 'Bearer ', 'The API key after Bearer is missing.'],
      ['a key without a scheme', shop.key, 'Write Bearer before the API key.'],
      ['another scheme', `Basic ${shop.key}`, 'another scheme than Bearer'],
      ['a key in quotes', `Bearer "${shop.key}"`, 'does not have the form of an API key'],
      ['a key in brackets', `Bearer <${shop.key}>`, 'does not have the form of an API key'],
      ['a colon after Bearer', `Bearer: ${shop.key}`, 'does not have the form of an API key'],
      ['an entry of API_KEYS', `Bearer ${shop.entry}`, 'does not have the form of an API key'],
    ])('says what is wrong with %s', async (_what, authorization, detail) => {
      const request = service.http.get('/otp/x');
      const response = await (authorization === undefined
        ? request
        : request.set('authorization', authorization));

      expectProblem(response, 401, 'unauthenticated');
      expect(response.body.detail).toContain(detail);
      expect(response.text).not.toContain(shop.key);
    });

    // RFC 9110 §11.4: `credentials = auth-scheme [ 1*SP ( token68 / … ) ]`.
    it('accepts several spaces before the API key', async () => {
      const response = await service.http
        .get('/otp/x')
        .set('authorization', `bearer   ${shop.key}`);

      expectProblem(response, 404, 'verification_not_found');
    });
  });

  it('says that the demo page needs the sandbox and no API keys, if there is no such page', async () => {
    const service = await startSandboxedService({ API_KEYS: shop.entry });
    const response = await service.http.get('/demo');

    expectProblem(response, 404, 'not_found');
    expect(response.body.detail).toContain(
      'The demo page needs the sandbox, and a service without API keys.',
    );
    await service.close();
  });

  it.each([
    ['without CORS_ORIGINS', {}],
    ['with another origin in CORS_ORIGINS', { CORS_ORIGINS: 'https://other.example.com' }],
  ])('names CORS_ORIGINS to a preflight %s', async (_what, settings) => {
    const service = await startSandboxedService(settings);
    const response = await preflight(service.url, 'https://app.example.com');

    expect(await response.json()).toMatchObject({
      status: 405,
      detail: expect.stringContaining('CORS_ORIGINS'),
    });
    await service.close();
  });
});

describe('The page at /', () => {
  it('links to the demo page and to the documentation', async () => {
    const service = await startSandboxedService();
    const { text } = await service.http.get('/').expect(200);

    expect(text).toContain('<a href="/demo">');
    expect(text).toContain('<a href="/docs">');
    await service.close();
  });

  it('links only to the documentation if API keys rule out the demo page', async () => {
    const service = await startSandboxedService({ API_KEYS: newApiKey('shop').entry });
    const { text } = await service.http.get('/').expect(200);

    expect(text).not.toContain('/demo');
    expect(text).toContain('<a href="/docs">');
    await service.close();
  });

  it('does not exist in production', async () => {
    const service = await startService(PRODUCTION_SETTINGS);

    expectProblem(await service.http.get('/'), 404, 'not_found');
    await service.close();
  });
});
