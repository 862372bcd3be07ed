import {
  expectInfobipError,
  INFOBIP_ID_PATTERN,
  startTestSandbox,
  type TestSandbox,
} from '../support/sandbox.js';

const DEFAULTS = {
  pinAttempts: 10,
  allowMultiplePinVerifications: true,
  pinTimeToLive: '15m',
  verifyPinLimit: '1/3s',
  sendPinPerApplicationLimit: '10000/1d',
  sendPinPerPhoneNumberLimit: '3/1d',
};

describe('An Infobip application in the sandbox', () => {
  let sandbox: TestSandbox;

  beforeAll(async () => {
    sandbox = await startTestSandbox();
  });

  afterAll(() => sandbox.close());

  it.each(['/2fa/2', '/2fa/1'])(
    'is created under %s with status 201 and the documented defaults',
    async (version) => {
      const { body } = await sandbox.http
        .post(`${version}/applications`)
        .send({ name: 'shop' })
        .expect(201);

      expect(body).toEqual({
        applicationId: expect.stringMatching(INFOBIP_ID_PATTERN),
        name: 'shop',
        enabled: true,
        configuration: DEFAULTS,
      });
      await sandbox.http.get(`/2fa/2/applications/${body.applicationId}`).expect(200, body);
      expect((await sandbox.http.get('/2fa/2/applications')).body).toContainEqual(body);
    },
  );

  it('returns the whole configuration as it was sent', async () => {
    const configuration = {
      pinAttempts: 5,
      allowMultiplePinVerifications: false,
      pinTimeToLive: 'd',
      verifyPinLimit: '2/500ms',
      sendPinPerApplicationLimit: '1440000000/365d',
      sendPinPerPhoneNumberLimit: '4/h',
    };

    const { body } = await sandbox.http
      .post('/2fa/2/applications')
      .send({ name: 'shop', enabled: false, configuration });

    expect(body).toMatchObject({ name: 'shop', enabled: false, configuration });
  });

  it('keeps the fields that an update does not name', async () => {
    const applicationId = await sandbox.createApplication({ pinAttempts: 5 });
    const path = `/2fa/2/applications/${applicationId}`;

    const { body } = await sandbox.http
      .put(path)
      .send({ name: 'new', configuration: { pinTimeToLive: '5m' } })
      .expect(200);

    expect(body).toEqual({
      applicationId,
      name: 'new',
      enabled: true,
      configuration: { ...DEFAULTS, pinAttempts: 5, pinTimeToLive: '5m' },
    });
    await sandbox.http.get(path).expect(200, body);
  });

  it.each([
    ['no name', {}, 'name'],
    ['a name that is not a string', { name: 7 }, 'name'],
    ['a duration with a fraction', { pinTimeToLive: '1.5m' }, 'configuration.pinTimeToLive'],
    ['a duration of zero', { pinTimeToLive: '0m' }, 'configuration.pinTimeToLive'],
    ['a duration with a sign', { pinTimeToLive: '-5m' }, 'configuration.pinTimeToLive'],
    [
      'a time to live of more than a year',
      { pinTimeToLive: '366d' },
      'configuration.pinTimeToLive',
    ],
    ['a limit without a count', { verifyPinLimit: '/3s' }, 'configuration.verifyPinLimit'],
    ['a limit without a unit', { verifyPinLimit: '1/3' }, 'configuration.verifyPinLimit'],
    [
      'a verify limit over more than a day',
      { verifyPinLimit: '1/25h' },
      'configuration.verifyPinLimit',
    ],
    ['zero attempts', { pinAttempts: 0 }, 'configuration.pinAttempts'],
  ])('is rejected with %s', async (_description, fields, invalidField) => {
    const body =
      'name' in fields || invalidField === 'name' ? fields : { name: 'a', configuration: fields };

    expectInfobipError(
      await sandbox.http.post('/2fa/2/applications').send(body),
      400,
      'BAD_REQUEST',
      [invalidField],
    );
  });

  it('returns 404 on every route until it is created', async () => {
    for (const path of ['', '/messages', '/messages/none', '/verifications?msisdn=1'])
      expectInfobipError(
        await sandbox.http.get(`/2fa/2/applications/none${path}`),
        404,
        'NOT_FOUND',
      );
    expectInfobipError(
      await sandbox.http.put('/2fa/2/applications/none').send({ name: 'a' }),
      404,
      'NOT_FOUND',
    );
  });
});
