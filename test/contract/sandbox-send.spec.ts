import {
  expectInfobipError,
  DEFAULT_IDS,
  INFOBIP_ID_PATTERN,
  EMAIL_ADDRESS,
  startTestSandbox,
  PHONE_NUMBER,
  type TestSandbox,
  UUID_PATTERN,
} from '../support/sandbox.js';

const SMS_SENT = { ncStatus: 'NC_DESTINATION_REACHABLE', smsStatus: 'MESSAGE_SENT' };
const CALL_ACCEPTED = { callStatus: 'PENDING_ACCEPTED' };
const EMAIL_ACCEPTED = {
  emailStatus: { name: 'PENDING_ACCEPTED', description: 'Message accepted' },
};

describe('A send to the sandbox as Infobip', () => {
  let sandbox: TestSandbox;

  beforeEach(async () => {
    sandbox = await startTestSandbox();
  });

  afterEach(() => sandbox.close());

  const sendEmail = async () => {
    const { body } = await sandbox.http
      .post('/2fa/2/applications/sandbox-application/email/messages')
      .send({ emailTemplateId: 7, from: 'shop@example.com', pinLength: 5 });
    return sandbox.http.post('/2fa/2/pin/email').send({
      applicationId: body.applicationId,
      messageId: body.messageId,
      to: EMAIL_ADDRESS,
      placeholders: { name: 'Ann' },
      landingPagePlaceholders: { colour: 'red' },
    });
  };

  it.each([
    ['NUMERIC', 6, /^\d{6}$/],
    ['ALPHA', 5, /^[A-Z]{5}$/],
    ['HEX', 8, /^[0-9A-F]{8}$/],
    ['ALPHANUMERIC', 4, /^[0-9A-Z]{4}$/],
  ])(
    'generates a PIN of type %s and length %d and delivers it by SMS',
    async (pinType, pinLength, pattern) => {
      const applicationId = await sandbox.createApplication();
      const template = { pinType, pinLength, senderId: 'Shop' };
      const messageId = await sandbox.createTemplate(applicationId, template);
      const request = { applicationId, messageId, placeholders: { name: 'Ann' } };

      const { body } = await sandbox.send(PHONE_NUMBER, request).expect(200);

      expect(body).toEqual({
        pinId: expect.stringMatching(INFOBIP_ID_PATTERN),
        to: PHONE_NUMBER,
        ...SMS_SENT,
      });
      const inbox = await sandbox.listMessages(`+${PHONE_NUMBER}`);
      expect(inbox).toEqual([
        {
          to: PHONE_NUMBER,
          from: 'Shop',
          channel: 'sms',
          text: `${inbox[0]?.pin ?? ''} for Ann`,
          pin: expect.stringMatching(pattern),
          pinId: body.pinId,
          provider: 'infobip',
          sentAt: new Date(sandbox.clock.now()).toISOString(),
        },
      ]);
    },
  );

  it('fills in the placeholders that have a value and keeps the others as they are', async () => {
    const applicationId = await sandbox.createApplication();
    const messageText = '{{pin}} {{first-name}} {{constructor}} {{toString}} {{name}}';
    const messageId = await sandbox.createTemplate(applicationId, { messageText });

    await sandbox
      .send(PHONE_NUMBER, { applicationId, messageId, placeholders: { 'first-name': 'Ann' } })
      .expect(200);

    const [{ pin, text } = { pin: '', text: '' }] = await sandbox.listMessages();
    expect(text).toBe(`${pin} Ann {{constructor}} {{toString}} {{name}}`);
  });

  it('uses the sender of the request', async () => {
    await sandbox.send(PHONE_NUMBER, { from: 'Other' });

    expect(await sandbox.listMessages(PHONE_NUMBER)).toMatchObject([{ from: 'Other' }]);
  });

  it('calls the number on the voice route and returns the call status', async () => {
    const { body } = await sandbox.http
      .post('/2fa/2/pin/voice')
      .send({ ...DEFAULT_IDS, to: PHONE_NUMBER });

    expect(body).toEqual({
      pinId: expect.stringMatching(INFOBIP_ID_PATTERN),
      to: PHONE_NUMBER,
      ...CALL_ACCEPTED,
    });
    expect(await sandbox.listMessages()).toMatchObject([{ channel: 'voice', pinId: body.pinId }]);
  });

  it('delivers a PIN by e-mail, which can be read and verified', async () => {
    const { body } = await sendEmail();

    expect(body).toEqual({
      pinId: expect.stringMatching(INFOBIP_ID_PATTERN),
      to: EMAIL_ADDRESS,
      ...EMAIL_ACCEPTED,
    });
    const [email] = await sandbox.listMessages('Ann@Example.com');
    expect(email).toMatchObject({
      to: EMAIL_ADDRESS,
      from: 'shop@example.com',
      channel: 'email',
      text: `${email?.pin ?? ''} (e-mail template 7)`,
    });
    await sandbox.verify(body.pinId, email?.pin ?? '').expect(200, {
      pinId: body.pinId,
      msisdn: EMAIL_ADDRESS,
      verified: true,
      attemptsRemaining: 0,
    });
  });

  it.each([
    ['', SMS_SENT],
    ['?ncNeeded=true', SMS_SENT],
    ['/?ncNeeded=undefined', SMS_SENT],
    ['?ncNeeded=', SMS_SENT],
    ['?ncNeeded=false', { smsStatus: SMS_SENT.smsStatus }],
    ['/?ncNeeded=false', { smsStatus: SMS_SENT.smsStatus }],
  ])('looks up the number unless ncNeeded is false: /2fa/2/pin%s', async (suffix, status) => {
    const { body } = await sandbox.http
      .post(`/2fa/2/pin${suffix}`)
      .send({ ...DEFAULT_IDS, to: PHONE_NUMBER });

    expect(body).toEqual({
      pinId: expect.stringMatching(INFOBIP_ID_PATTERN),
      to: PHONE_NUMBER,
      ...status,
    });
  });

  it('returns an externalMessageId on send and resend if trackDelivery is set', async () => {
    const { body } = await sandbox.send(PHONE_NUMBER, { trackDelivery: true });
    const resent = await sandbox.http
      .post(`/2fa/2/pin/${body.pinId}/resend/voice`)
      .send({ trackDelivery: true });

    expect(body.externalMessageId).toMatch(UUID_PATTERN);
    expect(resent.body.externalMessageId).toMatch(UUID_PATTERN);
    expect(resent.body.externalMessageId).not.toBe(body.externalMessageId);
  });

  it.each([
    ['resend', 'sms', SMS_SENT],
    ['resend/voice', 'voice', CALL_ACCEPTED],
  ])('delivers the same PIN again by %s', async (path, channel, status) => {
    const { pinId } = (await sandbox.send(PHONE_NUMBER)).body;

    const { body } = await sandbox.http.post(`/2fa/2/pin/${pinId}/${path}`).send({});

    expect(body).toEqual({ pinId, to: PHONE_NUMBER, ...status });
    const [second, first, ...more] = await sandbox.listMessages(PHONE_NUMBER);
    expect(second).toMatchObject({ channel, pinId, pin: first?.pin });
    expect(more).toEqual([]);
    expectInfobipError(await sandbox.http.post(`/2fa/2/pin/none/${path}`), 404, 'NOT_FOUND');
  });

  it('delivers the same PIN again by e-mail to the same address', async () => {
    const { pinId } = (await sendEmail()).body;

    const { body } = await sandbox.http.post(`/2fa/2/pin/${pinId}/resend/email`).send({});

    expect(body).toEqual({ pinId, to: EMAIL_ADDRESS, ...EMAIL_ACCEPTED });
    expect(await sandbox.listMessages(EMAIL_ADDRESS)).toHaveLength(2);
  });

  it('accepts a resend without a body, and one with new placeholders', async () => {
    const applicationId = await sandbox.createApplication();
    const messageId = await sandbox.createTemplate(applicationId);
    const request = { applicationId, messageId, placeholders: { name: 'Ann' } };
    const { pinId } = (await sandbox.send(PHONE_NUMBER, request)).body;
    const resend = `/2fa/2/pin/${pinId}/resend`;

    await sandbox.http.post(resend).set('content-type', 'application/json').expect(200);
    await sandbox.http
      .post(resend)
      .send({ placeholders: { name: 'Bob' } })
      .expect(200);

    const lines = (await sandbox.listMessages(PHONE_NUMBER)).map(({ text }) =>
      text.replace(/\d+/, 'n'),
    );
    expect(lines).toEqual(['n for Bob', 'n for Ann', 'n for Ann']);
  });

  it.each([
    ['an unknown application', { applicationId: 'none' }, 404, 'NOT_FOUND'],
    ['an unknown template', { messageId: 'none' }, 404, 'NOT_FOUND'],
    ['a number with a plus', { to: `+${PHONE_NUMBER}` }, 400, 'BAD_REQUEST'],
    ['a missing number', { to: undefined }, 400, 'BAD_REQUEST'],
    ['an e-mail address', { to: EMAIL_ADDRESS }, 400, 'BAD_REQUEST'],
    ['a placeholder named pin', { placeholders: { pin: '1' } }, 400, 'BAD_REQUEST'],
  ])('rejects %s and sends nothing', async (_description, change, status, messageId) => {
    expectInfobipError(await sandbox.send(PHONE_NUMBER, change), status, messageId);
    expect(await sandbox.listMessages()).toEqual([]);
  });

  it('rejects a disabled application', async () => {
    const applicationId = await sandbox.createApplication();
    const messageId = await sandbox.createTemplate(applicationId);
    await sandbox.http
      .put(`/2fa/2/applications/${applicationId}`)
      .send({ name: 'a', enabled: false });

    const response = await sandbox.send(PHONE_NUMBER, { applicationId, messageId });

    expectInfobipError(response, 400, 'BAD_REQUEST', ['applicationId']);
  });

  it('rejects a template of another channel', async () => {
    const { pinId } = (await sendEmail()).body;

    const email = await sandbox.http
      .post('/2fa/2/pin/email')
      .send({ ...DEFAULT_IDS, to: EMAIL_ADDRESS });
    expectInfobipError(email, 400, 'BAD_REQUEST', ['messageId']);
    const sms = await sandbox.http.post(`/2fa/2/pin/${pinId}/resend`).send({});
    expectInfobipError(sms, 400, 'BAD_REQUEST', ['pinId']);
  });
});
