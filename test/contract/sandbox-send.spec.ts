import {
  expectRefusal,
  FURNISHED,
  IDS,
  MAILBOX,
  startTestSandbox,
  TO,
  type TestSandbox,
} from '../support/sandbox.js';

const SENT = { ncStatus: 'NC_DESTINATION_REACHABLE', smsStatus: 'MESSAGE_SENT' };
const CALLED = { callStatus: 'PENDING_ACCEPTED' };
const MAILED = { emailStatus: { name: 'PENDING_ACCEPTED', description: 'Message accepted' } };

describe('A send in the sandbox', () => {
  let sandbox: TestSandbox;

  beforeEach(async () => {
    sandbox = await startTestSandbox();
  });

  afterEach(() => sandbox.close());

  const sendMail = async () => {
    const { body } = await sandbox.http
      .post('/2fa/2/applications/sandbox-application/email/messages')
      .send({ emailTemplateId: 7, from: 'shop@example.com', pinLength: 5 });
    return sandbox.http.post('/2fa/2/pin/email').send({
      applicationId: body.applicationId,
      messageId: body.messageId,
      to: MAILBOX,
      placeholders: { who: 'Ann' },
      landingPagePlaceholders: { colour: 'red' },
    });
  };

  it.each([
    ['NUMERIC', 6, /^\d{6}$/],
    ['ALPHA', 5, /^[A-Z]{5}$/],
    ['HEX', 8, /^[0-9A-F]{8}$/],
    ['ALPHANUMERIC', 4, /^[0-9A-Z]{4}$/],
  ])('makes a pin of type %s and length %d and texts it', async (pinType, pinLength, form) => {
    const applicationId = await sandbox.createApplication();
    const template = { pinType, pinLength, senderId: 'Shop' };
    const messageId = await sandbox.createTemplate(applicationId, template);
    const request = { applicationId, messageId, placeholders: { who: 'Ann' } };

    const { body } = await sandbox.send(TO, request).expect(200);

    expect(body).toEqual({ pinId: expect.stringMatching(IDS), to: TO, ...SENT });
    const inbox = await sandbox.inbox(`+${TO}`);
    expect(inbox).toEqual([
      {
        to: TO,
        from: 'Shop',
        channel: 'sms',
        text: `${inbox[0]?.pin ?? ''} for Ann`,
        pin: expect.stringMatching(form),
        pinId: body.pinId,
        provider: 'infobip',
        sentAt: new Date(sandbox.clock.now()).toISOString(),
      },
    ]);
  });

  it('fills in each placeholder that has a value, and leaves the others as they are written', async () => {
    const applicationId = await sandbox.createApplication();
    const messageText = '{{pin}} {{first-name}} {{constructor}} {{toString}} {{who}}';
    const messageId = await sandbox.createTemplate(applicationId, { messageText });

    await sandbox
      .send(TO, { applicationId, messageId, placeholders: { 'first-name': 'Ann' } })
      .expect(200);

    const [{ pin, text } = { pin: '', text: '' }] = await sandbox.inbox();
    expect(text).toBe(`${pin} Ann {{constructor}} {{toString}} {{who}}`);
  });

  it('comes from whom the request says', async () => {
    await sandbox.send(TO, { from: 'Other' });

    expect(await sandbox.inbox(TO)).toMatchObject([{ from: 'Other' }]);
  });

  it('calls, and says so', async () => {
    const { body } = await sandbox.http.post('/2fa/2/pin/voice').send({ ...FURNISHED, to: TO });

    expect(body).toEqual({ pinId: expect.stringMatching(IDS), to: TO, ...CALLED });
    expect(await sandbox.inbox()).toMatchObject([{ channel: 'voice', pinId: body.pinId }]);
  });

  it('mails, and shows the mail on the phone', async () => {
    const { body } = await sendMail();

    expect(body).toEqual({ pinId: expect.stringMatching(IDS), to: MAILBOX, ...MAILED });
    const [mail] = await sandbox.inbox('Ann@Example.com');
    expect(mail).toMatchObject({
      to: MAILBOX,
      from: 'shop@example.com',
      channel: 'email',
      text: `${mail?.pin ?? ''} (e-mail template 7)`,
    });
    await sandbox.verify(body.pinId, mail?.pin ?? '').expect(200, {
      pinId: body.pinId,
      msisdn: MAILBOX,
      verified: true,
      attemptsRemaining: 0,
    });
  });

  it.each([
    ['', SENT],
    ['?ncNeeded=true', SENT],
    ['/?ncNeeded=undefined', SENT],
    ['?ncNeeded=', SENT],
    ['?ncNeeded=false', { smsStatus: SENT.smsStatus }],
    ['/?ncNeeded=false', { smsStatus: SENT.smsStatus }],
  ])('looks the number up unless told not to: /2fa/2/pin%s', async (suffix, status) => {
    const { body } = await sandbox.http.post(`/2fa/2/pin${suffix}`).send({ ...FURNISHED, to: TO });

    expect(body).toEqual({ pinId: expect.stringMatching(IDS), to: TO, ...status });
  });

  it('names the message where its delivery is tracked, on send and resend', async () => {
    const { body } = await sandbox.send(TO, { trackDelivery: true });
    const again = await sandbox.http
      .post(`/2fa/2/pin/${body.pinId}/resend/voice`)
      .send({ trackDelivery: true });

    expect(body.externalMessageId).toMatch(IDS);
    expect(again.body.externalMessageId).toMatch(IDS);
    expect(again.body.externalMessageId).not.toBe(body.externalMessageId);
  });

  it.each([
    ['resend', 'sms', SENT],
    ['resend/voice', 'voice', CALLED],
  ])('repeated by %s delivers the same pin again', async (path, channel, status) => {
    const { pinId } = (await sandbox.send(TO)).body;

    const { body } = await sandbox.http.post(`/2fa/2/pin/${pinId}/${path}`).send({});

    expect(body).toEqual({ pinId, to: TO, ...status });
    const [second, first, ...more] = await sandbox.inbox(TO);
    expect(second).toMatchObject({ channel, pinId, pin: first?.pin });
    expect(more).toEqual([]);
    expectRefusal(await sandbox.http.post(`/2fa/2/pin/none/${path}`), 404, 'NOT_FOUND');
  });

  it('repeated by mail goes to the same mailbox', async () => {
    const { pinId } = (await sendMail()).body;

    const { body } = await sandbox.http.post(`/2fa/2/pin/${pinId}/resend/email`).send({});

    expect(body).toEqual({ pinId, to: MAILBOX, ...MAILED });
    expect(await sandbox.inbox(MAILBOX)).toHaveLength(2);
  });

  it('is repeated without a body too, and with other words', async () => {
    const applicationId = await sandbox.createApplication();
    const messageId = await sandbox.createTemplate(applicationId);
    const request = { applicationId, messageId, placeholders: { who: 'Ann' } };
    const { pinId } = (await sandbox.send(TO, request)).body;
    const resend = `/2fa/2/pin/${pinId}/resend`;

    await sandbox.http.post(resend).set('content-type', 'application/json').expect(200);
    await sandbox.http
      .post(resend)
      .send({ placeholders: { who: 'Bob' } })
      .expect(200);

    const texts = (await sandbox.inbox(TO)).map(({ text }) => text.replace(/\d+/, 'n'));
    expect(texts).toEqual(['n for Bob', 'n for Ann', 'n for Ann']);
  });

  it.each([
    ['an unknown application', { applicationId: 'none' }, 404, 'NOT_FOUND'],
    ['an unknown template', { messageId: 'none' }, 404, 'NOT_FOUND'],
    ['a plus', { to: `+${TO}` }, 400, 'BAD_REQUEST'],
    ['no number', { to: undefined }, 400, 'BAD_REQUEST'],
    ['a mailbox', { to: MAILBOX }, 400, 'BAD_REQUEST'],
    ['a placeholder named pin', { placeholders: { pin: '1' } }, 400, 'BAD_REQUEST'],
  ])('sends nothing for %s', async (_what, change, status, word) => {
    expectRefusal(await sandbox.send(TO, change), status, word);
    expect(await sandbox.inbox()).toEqual([]);
  });

  it('sends nothing for a disabled application', async () => {
    const applicationId = await sandbox.createApplication();
    const messageId = await sandbox.createTemplate(applicationId);
    await sandbox.http
      .put(`/2fa/2/applications/${applicationId}`)
      .send({ name: 'a', enabled: false });

    const response = await sandbox.send(TO, { applicationId, messageId });

    expectRefusal(response, 400, 'BAD_REQUEST', ['applicationId']);
  });

  it('sends nothing by a template of another channel', async () => {
    const { pinId } = (await sendMail()).body;

    const mail = await sandbox.http.post('/2fa/2/pin/email').send({ ...FURNISHED, to: MAILBOX });
    expectRefusal(mail, 400, 'BAD_REQUEST', ['messageId']);
    const text = await sandbox.http.post(`/2fa/2/pin/${pinId}/resend`).send({});
    expectRefusal(text, 400, 'BAD_REQUEST', ['pinId']);
  });
});
