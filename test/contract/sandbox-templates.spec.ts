import { expectInfobipError, startTestSandbox, type TestSandbox } from '../support/sandbox.js';

describe('An Infobip message template in the sandbox', () => {
  let sandbox: TestSandbox;
  let path: string;
  let emailPath: string;

  beforeAll(async () => {
    sandbox = await startTestSandbox();
  });

  beforeEach(async () => {
    const applicationId = await sandbox.createApplication();
    path = `/2fa/2/applications/${applicationId}/messages`;
    emailPath = `/2fa/2/applications/${applicationId}/email/messages`;
  });

  afterAll(() => sandbox.close());

  const FULL_TEMPLATE = {
    messageText: 'x {{pin}}',
    pinType: 'HEX',
    pinLength: 8,
    senderId: 'Shop',
    language: 'pt_br',
    repeatDTMF: '1#',
    speechRate: 1.5,
    regional: {
      indiaDlt: { principalEntityId: '1', contentTemplateId: '2', teleMarketerId: '3' },
    },
  };

  it('is created with status 200 and read back without pinPlaceholder', async () => {
    const { body } = await sandbox.http.post(path).send(FULL_TEMPLATE).expect(200);

    const { messageId, applicationId } = body;
    const stored = { ...FULL_TEMPLATE, applicationId, messageId };
    expect(body).toEqual({ ...stored, pinPlaceholder: '{{pin}}' });
    await sandbox.http.get(`${path}/${messageId}`).expect(200, stored);
    await sandbox.http.get(path).expect(200, [stored]);
  });

  it('has four digits and the language English by default, also under /2fa/1', async () => {
    const { body } = await sandbox.http
      .post(path.replace('/2fa/2', '/2fa/1'))
      .send({ messageText: '{{pin}}', pinType: 'NUMERIC', pinPlaceholder: '{{pin}}' })
      .expect(200);

    expect(body).toMatchObject({ pinLength: 4, language: 'en', pinPlaceholder: '{{pin}}' });
  });

  it('accepts voiceName but does not return it', async () => {
    const { body } = await sandbox.http
      .post(path)
      .send({ ...FULL_TEMPLATE, voiceName: 'Joanna' })
      .expect(200);

    expect(body).not.toHaveProperty('voiceName');
  });

  it('keeps the fields that an update does not name', async () => {
    const { body: created } = await sandbox.http.post(path).send(FULL_TEMPLATE);

    const { body } = await sandbox.http
      .put(`${path}/${created.messageId}`)
      .send({ messageText: 'y {{pin}}' })
      .expect(200);

    expect(body).toEqual({ ...created, messageText: 'y {{pin}}' });
  });

  it.each([
    ['a text without the placeholder for the PIN', { messageText: 'hello' }, 'messageText'],
    ['an unknown PIN type', { pinType: 'DIGITS' }, 'pinType'],
    ['nine digits', { pinLength: 9 }, 'pinLength'],
    ['a language with a hyphen', { language: 'pt-br' }, 'language'],
    ['a too high speech rate', { speechRate: 2.1 }, 'speechRate'],
    ['India DLT without an entity id', createDlt({}), 'regional.indiaDlt.principalEntityId'],
    [
      'an entity id of 31 characters',
      createDlt({ principalEntityId: 'x'.repeat(31) }),
      'regional.indiaDlt.principalEntityId',
    ],
    [
      'a telemarketer id of 256 characters',
      createDlt({ principalEntityId: '1', teleMarketerId: 'x'.repeat(256) }),
      'regional.indiaDlt.teleMarketerId',
    ],
  ])('is rejected with %s, on create and on update', async (_description, change, invalidField) => {
    const { body } = await sandbox.http.post(path).send(FULL_TEMPLATE);

    for (const request of [
      sandbox.http.post(path).send({ ...FULL_TEMPLATE, ...change }),
      sandbox.http.put(`${path}/${body.messageId}`).send(change),
    ])
      expectInfobipError(await request, 400, 'BAD_REQUEST', [invalidField]);
  });

  it('for e-mail is created with defaults, updated, and listed with the others', async () => {
    const { body } = await sandbox.http.post(emailPath).send({ emailTemplateId: 7 }).expect(200);
    expect(body).toMatchObject({ emailTemplateId: 7, pinType: 'NUMERIC', pinLength: 4 });

    const updated = await sandbox.http
      .put(`${emailPath}/${body.messageId}`)
      .send({ from: 'shop@example.com', landingPageId: 'L', pinLength: 6 })
      .expect(200);

    const { pinPlaceholder, ...stored } = updated.body;
    expect(stored).toEqual({
      messageId: body.messageId,
      applicationId: body.applicationId,
      emailTemplateId: 7,
      pinType: 'NUMERIC',
      pinLength: 6,
      from: 'shop@example.com',
      landingPageId: 'L',
    });
    expect(pinPlaceholder).toBe('{{pin}}');
    await sandbox.http.get(path).expect(200, [stored]);
    await sandbox.http.get(`${path}/${body.messageId}`).expect(200, stored);
  });

  it('for e-mail is rejected without emailTemplateId', async () => {
    expectInfobipError(await sandbox.http.post(emailPath).send({}), 400, 'BAD_REQUEST', [
      'emailTemplateId',
    ]);
  });

  it('returns 404 on the routes of another template kind or application', async () => {
    const { body } = await sandbox.http.post(path).send(FULL_TEMPLATE);
    const other = await sandbox.createApplication();

    for (const request of [
      sandbox.http.put(`${emailPath}/${body.messageId}`).send({ pinLength: 6 }),
      sandbox.http.get(`/2fa/2/applications/${other}/messages/${body.messageId}`),
    ])
      expectInfobipError(await request, 404, 'NOT_FOUND');
  });
});

function createDlt(indiaDlt: object) {
  return { regional: { indiaDlt } };
}
