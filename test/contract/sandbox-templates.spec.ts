import { expectRefusal, startTestSandbox, type TestSandbox } from '../support/sandbox.js';

describe('A message template in the sandbox', () => {
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

  const FULL = {
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

  it('is created with 200, and read back without its placeholder', async () => {
    const { body } = await sandbox.http.post(path).send(FULL).expect(200);

    const { messageId, applicationId } = body;
    const kept = { ...FULL, applicationId, messageId };
    expect(body).toEqual({ ...kept, pinPlaceholder: '{{pin}}' });
    await sandbox.http.get(`${path}/${messageId}`).expect(200, kept);
    await sandbox.http.get(path).expect(200, [kept]);
  });

  it('has four digits and English unless it says otherwise, also below /2fa/1', async () => {
    const { body } = await sandbox.http
      .post(path.replace('/2fa/2', '/2fa/1'))
      .send({ messageText: '{{pin}}', pinType: 'NUMERIC', pinPlaceholder: '{{pin}}' })
      .expect(200);

    expect(body).toMatchObject({ pinLength: 4, language: 'en', pinPlaceholder: '{{pin}}' });
  });

  it('never shows the name of its voice', async () => {
    const { body } = await sandbox.http.post(path).send({ ...FULL, voiceName: 'Joanna' });

    expect(body).not.toHaveProperty('voiceName');
  });

  it('changes by an update only where the update says so', async () => {
    const { body: made } = await sandbox.http.post(path).send(FULL);

    const { body } = await sandbox.http
      .put(`${path}/${made.messageId}`)
      .send({ messageText: 'y {{pin}}' })
      .expect(200);

    expect(body).toEqual({ ...made, messageText: 'y {{pin}}' });
  });

  it.each([
    ['no place for the pin', { messageText: 'hello' }, 'messageText'],
    ['an unknown type', { pinType: 'DIGITS' }, 'pinType'],
    ['nine digits', { pinLength: 9 }, 'pinLength'],
    ['a language with a hyphen', { language: 'pt-br' }, 'language'],
    ['a voice too fast', { speechRate: 2.1 }, 'speechRate'],
    ['India DLT without its entity', dlt({}), 'regional.indiaDlt.principalEntityId'],
    [
      'an entity of 31 characters',
      dlt({ principalEntityId: 'x'.repeat(31) }),
      'regional.indiaDlt.principalEntityId',
    ],
    [
      'a telemarketer of 256 characters',
      dlt({ principalEntityId: '1', teleMarketerId: 'x'.repeat(256) }),
      'regional.indiaDlt.teleMarketerId',
    ],
  ])('is refused with %s, new or as an update', async (_what, change, fault) => {
    const { body } = await sandbox.http.post(path).send(FULL);

    for (const request of [
      sandbox.http.post(path).send({ ...FULL, ...change }),
      sandbox.http.put(`${path}/${body.messageId}`).send(change),
    ])
      expectRefusal(await request, 400, 'BAD_REQUEST', [fault]);
  });

  it('for e-mail is created with its defaults, updated, and listed beside the others', async () => {
    const { body } = await sandbox.http.post(emailPath).send({ emailTemplateId: 7 }).expect(200);
    expect(body).toMatchObject({ emailTemplateId: 7, pinType: 'NUMERIC', pinLength: 4 });

    const updated = await sandbox.http
      .put(`${emailPath}/${body.messageId}`)
      .send({ from: 'shop@example.com', landingPageId: 'L', pinLength: 6 })
      .expect(200);

    const { pinPlaceholder, ...kept } = updated.body;
    expect(kept).toEqual({
      messageId: body.messageId,
      applicationId: body.applicationId,
      emailTemplateId: 7,
      pinType: 'NUMERIC',
      pinLength: 6,
      from: 'shop@example.com',
      landingPageId: 'L',
    });
    expect(pinPlaceholder).toBe('{{pin}}');
    await sandbox.http.get(path).expect(200, [kept]);
    await sandbox.http.get(`${path}/${body.messageId}`).expect(200, kept);
  });

  it('for e-mail needs the id of the e-mail', async () => {
    expectRefusal(await sandbox.http.post(emailPath).send({}), 400, 'BAD_REQUEST', [
      'emailTemplateId',
    ]);
  });

  it('is not found as one of another kind or of another application', async () => {
    const { body } = await sandbox.http.post(path).send(FULL);
    const other = await sandbox.createApplication();

    for (const request of [
      sandbox.http.put(`${emailPath}/${body.messageId}`).send({ pinLength: 6 }),
      sandbox.http.get(`/2fa/2/applications/${other}/messages/${body.messageId}`),
    ])
      expectRefusal(await request, 404, 'NOT_FOUND');
  });
});

function dlt(indiaDlt: object) {
  return { regional: { indiaDlt } };
}
