import supertest from 'supertest';
import { startSandbox } from '../../src/sandbox/sandbox.js';
import {
  expectInfobipError,
  DEFAULT_IDS,
  startTestSandbox,
  PHONE_NUMBER,
  type TestSandbox,
} from '../support/sandbox.js';

const encodeBasicAuth = (user: string, password: string) =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

const listAuthorizations = (key: string) => [
  `App ${key}`,
  `IBSSO ${key}`,
  `Bearer ${key}`,
  encodeBasicAuth('ann', key),
];

describe('Authentication of the sandbox as Infobip', () => {
  let sandbox: TestSandbox;

  afterEach(() => sandbox.close());

  const listApplications = (authorization?: string) =>
    supertest(sandbox.url)
      .get('/2fa/2/applications')
      .set(authorization === undefined ? {} : { authorization });
  const send = (authorization: string) =>
    supertest(sandbox.url)
      .post('/2fa/2/pin')
      .set({ authorization })
      .send({ ...DEFAULT_IDS, to: PHONE_NUMBER });

  it.each(listAuthorizations('anything'))(
    'accepts any API key by default: %s',
    async (authorization) => {
      sandbox = await startTestSandbox();

      await listApplications(authorization).expect(200);
    },
  );

  it.each([
    undefined,
    'Digest x',
    'App ',
    'App',
    'anything',
    encodeBasicAuth('ann', ''),
    'Basic !',
  ])('returns 401 for missing, empty or malformed credentials: %s', async (authorization) => {
    sandbox = await startTestSandbox();

    expectInfobipError(await listApplications(authorization), 401, 'UNAUTHORIZED');
  });

  it('accepts only the API key that it was started with, in every scheme', async () => {
    sandbox = await startTestSandbox({ apiKey: 'the-key' });

    for (const authorization of listAuthorizations('the-key'))
      await listApplications(authorization).expect(200);
    for (const authorization of listAuthorizations('another'))
      expectInfobipError(await listApplications(authorization), 401, 'UNAUTHORIZED');
  });

  it('accepts any API key if it was started with an empty one', async () => {
    sandbox = await startTestSandbox({ apiKey: '' });

    await listApplications('App any').expect(200);
  });

  it('accepts any key that starts with noscope or pinscope, and returns 403 for calls outside its scope', async () => {
    sandbox = await startTestSandbox({ apiKey: 'the-key' });

    expectInfobipError(await listApplications('App noscope-1'), 403, 'FORBIDDEN');
    expectInfobipError(await send('App noscope-1'), 403, 'FORBIDDEN');
    expectInfobipError(await listApplications('App pinscope-1'), 403, 'FORBIDDEN');
    await send('App pinscope-1').expect(200);
  });
});

describe('Errors of the sandbox as Infobip', () => {
  let sandbox: TestSandbox;

  beforeEach(async () => {
    sandbox = await startTestSandbox();
  });

  afterEach(() => sandbox.close());

  it('have the shape that Infobip documents for its 2FA API', async () => {
    const { body } = await sandbox.http.post('/2fa/2/applications').send({}).expect(400);

    expect(body).toEqual({
      requestError: {
        serviceException: {
          messageId: 'BAD_REQUEST',
          text: 'Bad request',
          validationErrors: { name: ['"name" is required'] },
        },
      },
    });
  });

  it('have the shape of the other Infobip APIs once the setting errorShape is current', async () => {
    await sandbox.callControl('put', 'settings', { errorShape: 'current' }).expect(200);

    const { body } = await sandbox.http.post('/2fa/2/applications').send({}).expect(400);

    expect(body).toEqual({
      errorCode: 'E400',
      description: 'Bad request',
      action: expect.any(String),
      violations: [{ property: 'name', violation: '"name" is required' }],
      resources: [],
    });
  });

  const ERRORS = [
    ['bad-request', 400, 'BAD_REQUEST', 'E400', 'INVALID_ARGUMENT'],
    ['unauthorized', 401, 'UNAUTHORIZED', 'E401', 'UNAUTHORIZED'],
    ['forbidden', 403, 'FORBIDDEN', 'E403', 'FORBIDDEN'],
    ['not-found', 404, 'NOT_FOUND', 'E404', 'RESOURCE_NOT_FOUND'],
    ['throttled', 429, 'TOO_MANY_REQUESTS', 'E429', 'THROTTLE_EXCEPTION'],
    ['server-error', 500, 'GENERAL_ERROR', 'E500', 'GENERAL_EXCEPTION'],
    ['unavailable', 503, 'SERVICE_UNAVAILABLE', 'E503', 'SERVICE_UNAVAILABLE'],
  ] as const;

  it.each(ERRORS)(
    'have the status and code that Infobip documents: the fault %s returns %d in every shape',
    async (kind, status, legacy, current, v1) => {
      const sendWithFault = async (errorShape: string) => {
        await sandbox
          .callControl('put', 'faults', { operation: 'send', kind, errorShape })
          .expect(200);
        return sandbox.send(PHONE_NUMBER).expect(status);
      };

      expectInfobipError(await sendWithFault('legacy'), status, legacy);
      // The legacy shape with the codes of the first version of Infobip's API.
      expectInfobipError(await sendWithFault('v1'), status, v1);
      expect((await sendWithFault('current')).body).toMatchObject({ errorCode: current });
    },
  );

  it('are returned for an unknown path, malformed JSON, another media type and a body over the limit', async () => {
    const path = '/2fa/2/applications';
    expectInfobipError(await sandbox.http.get('/2fa/2/nothing'), 404, 'NOT_FOUND');
    const malformed = sandbox.http.post(path).type('json');
    expectInfobipError(await malformed.send('{"name":'), 400, 'BAD_REQUEST');
    expectInfobipError(await sandbox.http.post(path).type('xml').send('<a/>'), 415, 'BAD_REQUEST');
    const tooLarge = { name: 'x'.repeat(20_000) };
    expectInfobipError(await sandbox.http.post(path).send(tooLarge), 400, 'BAD_REQUEST');
  });
});

describe('A sandbox on a loopback address', () => {
  let sandbox: TestSandbox;

  beforeEach(async () => {
    sandbox = await startTestSandbox();
  });

  afterEach(() => sandbox.close());

  // A web page can have its own name resolved to 127.0.0.1 (DNS rebinding).
  it.each(['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example:3999', '192.0.2.1'])(
    'rejects requests for the host %s with 421, to its page, control routes and APIs',
    async (host) => {
      const fault = { operation: 'send', kind: 'server-error' };
      const control = await sandbox.callControl('put', 'faults', fault).set({ host });
      expect(control.status).toBe(421);
      expect(control.body).toEqual({ error: expect.stringContaining('Host') });
      for (const path of ['/', '/sandbox/messages', '/2fa/2/applications', '/nowhere'])
        await sandbox.http.get(path).set({ host }).expect(421);

      await sandbox.http.get('/sandbox/faults').expect(200, []);
    },
  );

  it.each(['localhost', 'sandbox.localhost:3999', '127.0.0.1:1', '127.1.2.3', '[::1]:3999'])(
    'answers requests for the host %s',
    async (host) => {
      await sandbox.http.get('/sandbox/faults').set({ host }).expect(200);
    },
  );
});

describe('A sandbox on all addresses', () => {
  it('answers requests for any host', async () => {
    const sandbox = await startSandbox({ host: '0.0.0.0', port: 0 });

    await supertest(sandbox.url).get('/sandbox/faults').set({ host: 'sandbox:3999' }).expect(200);
    await sandbox.close();
  });
});
