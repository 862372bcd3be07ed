import supertest from 'supertest';
import {
  expectRefusal,
  FURNISHED,
  startTestSandbox,
  TO,
  type TestSandbox,
} from '../support/sandbox.js';

const basic = (user: string, password: string) =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

const forms = (key: string) => [`App ${key}`, `IBSSO ${key}`, `Bearer ${key}`, basic('ann', key)];

describe('The door of the sandbox', () => {
  let sandbox: TestSandbox;

  afterEach(() => sandbox.close());

  const list = (authorization?: string) =>
    supertest(sandbox.url)
      .get('/2fa/2/applications')
      .set(authorization === undefined ? {} : { authorization });
  const send = (authorization: string) =>
    supertest(sandbox.url)
      .post('/2fa/2/pin')
      .set({ authorization })
      .send({ ...FURNISHED, to: TO });

  it.each(forms('anything'))('opens to any credential: %s', async (authorization) => {
    sandbox = await startTestSandbox();

    await list(authorization).expect(200);
  });

  it.each([undefined, 'Digest x', 'App ', 'App', 'anything', basic('ann', ''), 'Basic !'])(
    'is closed to %s',
    async (authorization) => {
      sandbox = await startTestSandbox();

      expectRefusal(await list(authorization), 401, 'UNAUTHORIZED');
    },
  );

  it('opens only to the one key that it was started with, in each form', async () => {
    sandbox = await startTestSandbox({ apiKey: 'the-key' });

    for (const authorization of forms('the-key')) await list(authorization).expect(200);
    for (const authorization of forms('another'))
      expectRefusal(await list(authorization), 401, 'UNAUTHORIZED');
  });

  it('opens to any key where the one key is empty', async () => {
    sandbox = await startTestSandbox({ apiKey: '' });

    await list('App any').expect(200);
  });

  it('lets a key without scope do nothing, and one for pins only that', async () => {
    sandbox = await startTestSandbox({ apiKey: 'the-key' });

    expectRefusal(await list('App noscope-1'), 403, 'FORBIDDEN');
    expectRefusal(await send('App noscope-1'), 403, 'FORBIDDEN');
    expectRefusal(await list('App pinscope-1'), 403, 'FORBIDDEN');
    await send('App pinscope-1').expect(200);
  });
});

describe('An error of the sandbox', () => {
  let sandbox: TestSandbox;

  beforeEach(async () => {
    sandbox = await startTestSandbox();
  });

  afterEach(() => sandbox.close());

  it('has the shape that the 2FA part documents', async () => {
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

  it('has the current shape when that is chosen', async () => {
    await sandbox.control('put', 'settings', { errorShape: 'current' }).expect(200);

    const { body } = await sandbox.http.post('/2fa/2/applications').send({}).expect(400);

    expect(body).toEqual({
      errorCode: 'E400',
      description: 'Bad request',
      action: expect.any(String),
      violations: [{ property: 'name', violation: '"name" is required' }],
      resources: [],
    });
  });

  const words = [
    ['bad-request', 400, 'BAD_REQUEST', 'E400', 'INVALID_ARGUMENT'],
    ['unauthorized', 401, 'UNAUTHORIZED', 'E401', 'UNAUTHORIZED'],
    ['forbidden', 403, 'FORBIDDEN', 'E403', 'FORBIDDEN'],
    ['not-found', 404, 'NOT_FOUND', 'E404', 'RESOURCE_NOT_FOUND'],
    ['throttled', 429, 'TOO_MANY_REQUESTS', 'E429', 'THROTTLE_EXCEPTION'],
    ['server-error', 500, 'GENERAL_ERROR', 'E500', 'GENERAL_EXCEPTION'],
    ['unavailable', 503, 'SERVICE_UNAVAILABLE', 'E503', 'SERVICE_UNAVAILABLE'],
  ] as const;

  it.each(words)('%s is %d in every shape', async (kind, status, legacy, current, v1) => {
    const met = async (errorShape: string) => {
      await sandbox.control('put', 'faults', { operation: 'send', kind, errorShape }).expect(200);
      return sandbox.send(TO).expect(status);
    };

    expectRefusal(await met('legacy'), status, legacy);
    expectRefusal(await met('v1'), status, v1);
    expect((await met('current')).body).toMatchObject({ errorCode: current });
  });

  it('is one for an unknown path, a broken body, another media type and too much', async () => {
    const path = '/2fa/2/applications';
    expectRefusal(await sandbox.http.get('/2fa/2/nothing'), 404, 'NOT_FOUND');
    const json = sandbox.http.post(path).type('json');
    expectRefusal(await json.send('{"name":'), 400, 'BAD_REQUEST');
    expectRefusal(await sandbox.http.post(path).type('xml').send('<a/>'), 415, 'BAD_REQUEST');
    const long = { name: 'x'.repeat(20_000) };
    expectRefusal(await sandbox.http.post(path).send(long), 400, 'BAD_REQUEST');
  });
});
