import { parsePhoneNumberFromString } from 'libphonenumber-js/max';
import {
  MAGIC_AREA_CODES,
  MAGIC_REPORT_AREA_CODES,
} from '../../src/sandbox/faults/magic-numbers.js';
import {
  createMagicNumber,
  DEFAULT_IDS,
  startTestSandbox,
  type TestSandbox,
} from '../support/sandbox.js';

const SEND_WITHOUT_LOOKUP = '/2fa/2/pin?ncNeeded=false';

describe('A magic number of the sandbox', () => {
  let sandbox: TestSandbox;

  beforeAll(async () => {
    sandbox = await startTestSandbox();
  });

  afterAll(() => sandbox.close());

  beforeEach(() => sandbox.callControl('delete', 'messages').expect(204));

  /** Sends a PIN and reads it from the message. */
  const sendAndReadPin = async (areaCode: number) => {
    const to = createMagicNumber(areaCode);
    const { pinId } = (await sandbox.send(to).expect(200)).body;
    return { to, pinId, pin: (await sandbox.listMessages(to))[0]?.pin ?? '' };
  };
  const resend = (pinId: string) => sandbox.http.post(`/2fa/2/pin/${pinId}/resend`).send({});

  it.each(Object.keys({ ...MAGIC_AREA_CODES, ...MAGIC_REPORT_AREA_CODES }).map(Number))(
    'with area code %d is valid for libphonenumber',
    (areaCode) => {
      const all = Array.from({ length: 100 }, (_, last) => `+${createMagicNumber(areaCode, last)}`);

      expect(all.filter((text) => !parsePhoneNumberFromString(text)?.isValid())).toEqual([]);
    },
  );

  it('is one of a hundred of its area code; the numbers before and after those are ordinary', async () => {
    await sandbox.send(createMagicNumber(214, 99)).expect(500);
    await sandbox.send('12145550200').expect(200);
    await sandbox.send('12145550099').expect(200);
  });

  it('with area code 201 is never limited', async () => {
    const limit = '1/1h';
    const applicationId = await sandbox.createApplication({
      verifyPinLimit: limit,
      sendPinPerApplicationLimit: limit,
      sendPinPerPhoneNumberLimit: limit,
    });
    const messageId = await sandbox.createTemplate(applicationId);
    const send = () => sandbox.send(createMagicNumber(201), { applicationId, messageId });
    await send().expect(200);

    const { pinId } = (await send().expect(200)).body;
    await resend(pinId).expect(200);
    await sandbox.verify(pinId, 'x').expect(200);
    await sandbox.verify(pinId, 'x').expect(200);
  });

  it.each([
    [201, 'NC_DESTINATION_REACHABLE', 'MESSAGE_SENT', 2],
    [202, 'NC_DESTINATION_UNKNOWN', 'MESSAGE_NOT_SENT', 0],
    [203, 'NC_DESTINATION_REACHABLE', 'MESSAGE_NOT_SENT', 0],
    [205, 'NC_DESTINATION_NOT_REACHABLE', 'MESSAGE_NOT_SENT', 0],
    [206, 'NC_NOT_REACHABLE', 'MESSAGE_NOT_SENT', 0],
    [207, 'NC_NOT_CONFIGURED', 'MESSAGE_SENT', 2],
  ])(
    'with area code %d returns %s and %s for send and resend',
    async (areaCode, ncStatus, smsStatus, messageCount) => {
      const { body } = await sandbox.send(createMagicNumber(areaCode)).expect(200);
      const resent = await resend(body.pinId).expect(200);

      expect(body).toMatchObject({ ncStatus, smsStatus });
      expect(resent.body).toMatchObject({ ncStatus, smsStatus });
      expect(await sandbox.listMessages()).toHaveLength(messageCount);
    },
  );

  it.each([
    [202, 'MESSAGE_NOT_SENT'],
    [203, 'MESSAGE_NOT_SENT'],
    [205, 'MESSAGE_SENT'],
    [206, 'MESSAGE_SENT'],
  ])(
    'with area code %d returns no lookup result for ncNeeded=false, and %s',
    async (areaCode, smsStatus) => {
      const request = { ...DEFAULT_IDS, to: createMagicNumber(areaCode) };
      const { body } = await sandbox.http.post(SEND_WITHOUT_LOOKUP).send(request);

      expect(body).toMatchObject({ smsStatus });
      expect(body).not.toHaveProperty('ncStatus');
      expect(await sandbox.listMessages()).toEqual([]);
    },
  );

  it.each([
    [201, 'PENDING_ACCEPTED'],
    [202, 'UNDELIVERABLE_NOT_DELIVERED'],
    [203, 'REJECTED_NOT_ENOUGH_CREDITS'],
    [205, 'UNDELIVERABLE_NOT_DELIVERED'],
  ])('with area code %d returns the call status %s', async (areaCode, callStatus) => {
    const request = { ...DEFAULT_IDS, to: createMagicNumber(areaCode) };
    const { body } = await sandbox.http.post('/2fa/2/pin/voice').send(request);

    expect(body).toMatchObject({ callStatus });
  });

  it.each([
    [208, 429],
    [214, 500],
    [215, 503],
    [217, 400],
    [218, 401],
    [219, 403],
    [224, 404],
  ])('with area code %d makes a send return %d and sends no message', async (areaCode, status) => {
    const { headers } = await sandbox.send(createMagicNumber(areaCode)).expect(status);

    expect(headers['retry-after']).toBe(status === 429 ? '3' : undefined);
    expect(await sandbox.listMessages()).toEqual([]);
  });

  it('with area code 216 makes a send return HTML', async () => {
    const { headers, text } = await sandbox.send(createMagicNumber(216)).expect(200);

    expect(headers['content-type']).toMatch('text/html');
    expect(text).toMatch(/^<html>/);
  });

  it.each([
    [212, 0],
    [213, 1],
  ])(
    'with area code %d drops the connection of a send, and %d messages are sent',
    async (areaCode, messageCount) => {
      await expect(sandbox.send(createMagicNumber(areaCode))).rejects.toThrow(/hang up|ECONNRESET/);

      expect(await sandbox.listMessages()).toHaveLength(messageCount);
    },
  );

  it('with area code 210 never gets a response to a send', async () => {
    await expect(sandbox.send(createMagicNumber(210)).timeout(150)).rejects.toThrow(/Timeout/);

    expect(await sandbox.listMessages()).toEqual([]);
  });

  it('with area code 209 gets the response to a send after two seconds, and the message', async () => {
    const startedAt = performance.now();
    await sandbox.send(createMagicNumber(209)).expect(200);

    expect(performance.now() - startedAt).toBeGreaterThan(1_990);
    expect(await sandbox.listMessages()).toHaveLength(1);
  });

  it('with area code 225 gets a PIN that has already expired', async () => {
    const { pinId, pin } = await sendAndReadPin(225);

    await sandbox.verify(pinId, pin).expect(200, /TTL_EXPIRED/);
  });

  it('with area code 228 gets a new pinId with each resend, and the old one is unknown', async () => {
    const { pinId, pin } = await sendAndReadPin(228);

    const newPinId = (await resend(pinId).expect(200)).body.pinId;

    expect(newPinId).not.toBe(pinId);
    await sandbox.verify(pinId, pin).expect(404);
    await sandbox.verify(newPinId, pin).expect(200, /"verified":true/);
  });

  it('with area code 229 is reported as another number by verify', async () => {
    const { pinId, pin } = await sendAndReadPin(229);

    const { body } = await sandbox.verify(pinId, pin).expect(200);

    expect(body).toMatchObject({ verified: true, msisdn: '12295550101' });
  });

  it('with area code 231 has no verify attempts left', async () => {
    const { pinId, pin } = await sendAndReadPin(231);

    await sandbox.verify(pinId, pin).expect(200, /NO_MORE_PIN_ATTEMPTS/);
  });

  it.each([
    [234, 429],
    [252, 500],
    [254, 404],
  ])('with area code %d makes a verify return %d', async (areaCode, status) => {
    const { pinId, pin } = await sendAndReadPin(areaCode);

    await sandbox.verify(pinId, pin).expect(status);
  });

  it('gets the result of a verify after two seconds with area code 239, and HTML with 253', async () => {
    const slow = await sendAndReadPin(239);
    const startedAt = performance.now();
    await sandbox.verify(slow.pinId, slow.pin).expect(200, /"verified":true/);
    expect(performance.now() - startedAt).toBeGreaterThan(1_990);

    const garbage = await sendAndReadPin(253);
    await sandbox.verify(garbage.pinId, garbage.pin).expect(200, /^<html>/);
  });

  it.each([
    [248, false],
    [251, true],
  ])(
    'with area code %d drops the connection of a verify; the PIN is checked: %s',
    async (areaCode, isChecked) => {
      const { to, pinId, pin } = await sendAndReadPin(areaCode);

      await expect(sandbox.verify(pinId, pin)).rejects.toThrow(/hang up|ECONNRESET/);

      const status = await sandbox.http.get(
        `/2fa/2/applications/${DEFAULT_IDS.applicationId}/verifications?msisdn=${to}`,
      );
      expect(status.body.verifications).toMatchObject([{ verified: isChecked }]);
    },
  );

  it('with area code 240 never gets a response to a verify', async () => {
    const { pinId, pin } = await sendAndReadPin(240);

    await expect(sandbox.verify(pinId, pin).timeout(150)).rejects.toThrow(/Timeout/);
  });
});

describe('A magic e-mail address of the sandbox', () => {
  let sandbox: TestSandbox;
  let messageId: string;

  beforeAll(async () => {
    sandbox = await startTestSandbox();
    const { body } = await sandbox.http
      .post('/2fa/2/applications/sandbox-application/email/messages')
      .send({ emailTemplateId: 1 });
    messageId = body.messageId;
  });

  afterAll(() => sandbox.close());

  const sendEmail = (to: string) =>
    sandbox.http.post('/2fa/2/pin/email').send({ ...DEFAULT_IDS, messageId, to });

  it.each([
    ['delivered@sandbox.test', 'PENDING_ACCEPTED'],
    ['not-sent+1@sandbox.test', 'UNDELIVERABLE_NOT_DELIVERED'],
    ['no-credit+2@sandbox.test', 'REJECTED_NOT_ENOUGH_CREDITS'],
    ['Unreachable@Sandbox.test', 'UNDELIVERABLE_NOT_DELIVERED'],
    ['ann@sandbox.test', 'PENDING_ACCEPTED'],
  ])('%s gets the e-mail status %s', async (to, name) => {
    expect((await sendEmail(to).expect(200)).body.emailStatus).toMatchObject({ name });
  });

  it.each([
    ['throttled@sandbox.test', 429],
    ['server-error+x@sandbox.test', 500],
  ])('%s makes a send return %d', async (to, status) => {
    await sendEmail(to).expect(status);
  });
});
