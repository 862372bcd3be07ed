import { parsePhoneNumberFromString } from 'libphonenumber-js/max';
import { MAGIC_AREA_CODES } from '../../src/sandbox/faults/magic-numbers.js';
import { FURNISHED, startTestSandbox, type TestSandbox } from '../support/sandbox.js';

const UNLOOKED = '/2fa/2/pin?ncNeeded=false';

/** One of the hundred of that area code. */
const numberOf = (areaCode: number, last = 0) =>
  `1${areaCode}55501${String(last).padStart(2, '0')}`;

describe('A magic number of the sandbox', () => {
  let sandbox: TestSandbox;

  beforeAll(async () => {
    sandbox = await startTestSandbox();
  });

  afterAll(() => sandbox.close());

  beforeEach(() => sandbox.control('delete', 'messages').expect(204));

  /** Sends, and reads the PIN off the phone. */
  const sent = async (areaCode: number) => {
    const to = numberOf(areaCode);
    const { pinId } = (await sandbox.send(to).expect(200)).body;
    return { to, pinId, pin: (await sandbox.inbox(to))[0]?.pin ?? '' };
  };
  const resend = (pinId: string) => sandbox.http.post(`/2fa/2/pin/${pinId}/resend`).send({});

  it.each(Object.keys(MAGIC_AREA_CODES).map(Number))('in %d is valid', (areaCode) => {
    const all = Array.from({ length: 100 }, (_, last) => `+${numberOf(areaCode, last)}`);

    expect(all.filter((text) => !parsePhoneNumberFromString(text)?.isValid())).toEqual([]);
  });

  it('ends with the last of its hundred', async () => {
    await sandbox.send(numberOf(214, 99)).expect(500);
    await sandbox.send('12145550200').expect(200);
    await sandbox.send('12145550099').expect(200);
  });

  it('in 201 meets no limit', async () => {
    const limit = '1/1h';
    const applicationId = await sandbox.createApplication({
      verifyPinLimit: limit,
      sendPinPerApplicationLimit: limit,
      sendPinPerPhoneNumberLimit: limit,
    });
    const messageId = await sandbox.createTemplate(applicationId);
    const send = () => sandbox.send(numberOf(201), { applicationId, messageId });
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
  ])('in %d says %s and %s, on resend too', async (areaCode, ncStatus, smsStatus, texts) => {
    const { body } = await sandbox.send(numberOf(areaCode)).expect(200);
    const again = await resend(body.pinId).expect(200);

    expect(body).toMatchObject({ ncStatus, smsStatus });
    expect(again.body).toMatchObject({ ncStatus, smsStatus });
    expect(await sandbox.inbox()).toHaveLength(texts);
  });

  it.each([
    [202, 'MESSAGE_NOT_SENT'],
    [203, 'MESSAGE_NOT_SENT'],
    [205, 'MESSAGE_SENT'],
    [206, 'MESSAGE_SENT'],
  ])('in %d is not looked up where that is not wanted: %s', async (areaCode, smsStatus) => {
    const request = { ...FURNISHED, to: numberOf(areaCode) };
    const { body } = await sandbox.http.post(UNLOOKED).send(request);

    expect(body).toMatchObject({ smsStatus });
    expect(body).not.toHaveProperty('ncStatus');
    expect(await sandbox.inbox()).toEqual([]);
  });

  it.each([
    [201, 'PENDING_ACCEPTED'],
    [202, 'UNDELIVERABLE_NOT_DELIVERED'],
    [203, 'REJECTED_NOT_ENOUGH_CREDITS'],
    [205, 'UNDELIVERABLE_NOT_DELIVERED'],
  ])('in %d makes a call %s', async (areaCode, callStatus) => {
    const request = { ...FURNISHED, to: numberOf(areaCode) };
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
  ])('in %d is refused with %d and texted nothing', async (areaCode, status) => {
    const { headers } = await sandbox.send(numberOf(areaCode)).expect(status);

    expect(headers['retry-after']).toBe(status === 429 ? '3' : undefined);
    expect(await sandbox.inbox()).toEqual([]);
  });

  it('in 216 is answered with garbage', async () => {
    const { headers, text } = await sandbox.send(numberOf(216)).expect(200);

    expect(headers['content-type']).toMatch('text/html');
    expect(text).toMatch(/^<html>/);
  });

  it.each([
    [212, 0],
    [213, 1],
  ])('in %d drops the connection, with %d texts sent', async (areaCode, texts) => {
    await expect(sandbox.send(numberOf(areaCode))).rejects.toThrow(/hang up|ECONNRESET/);

    expect(await sandbox.inbox()).toHaveLength(texts);
  });

  it('in 210 never hears an answer', async () => {
    await expect(sandbox.send(numberOf(210)).timeout(150)).rejects.toThrow(/Timeout/);

    expect(await sandbox.inbox()).toEqual([]);
  });

  it('in 209 is texted at once and answered after two seconds', async () => {
    const started = performance.now();
    await sandbox.send(numberOf(209)).expect(200);

    expect(performance.now() - started).toBeGreaterThan(1_990);
    expect(await sandbox.inbox()).toHaveLength(1);
  });

  it('in 225 gets a pin that has expired', async () => {
    const { pinId, pin } = await sent(225);

    await sandbox.verify(pinId, pin).expect(200, /TTL_EXPIRED/);
  });

  it('in 228 gets another pin id with each resend, and the one before is forgotten', async () => {
    const { pinId, pin } = await sent(228);

    const newer = (await resend(pinId).expect(200)).body.pinId;

    expect(newer).not.toBe(pinId);
    await sandbox.verify(pinId, pin).expect(404);
    await sandbox.verify(newer, pin).expect(200, /"verified":true/);
  });

  it('in 229 is verified as another number', async () => {
    const { pinId, pin } = await sent(229);

    const { body } = await sandbox.verify(pinId, pin).expect(200);

    expect(body).toMatchObject({ verified: true, msisdn: '12295550101' });
  });

  it('in 231 has no attempt left', async () => {
    const { pinId, pin } = await sent(231);

    await sandbox.verify(pinId, pin).expect(200, /NO_MORE_PIN_ATTEMPTS/);
  });

  it.each([
    [234, 429],
    [252, 500],
    [254, 404],
  ])('in %d is refused to be verified with %d', async (areaCode, status) => {
    const { pinId, pin } = await sent(areaCode);

    await sandbox.verify(pinId, pin).expect(status);
  });

  it('in 239 is judged after two seconds, and in 253 with garbage', async () => {
    const slow = await sent(239);
    const started = performance.now();
    await sandbox.verify(slow.pinId, slow.pin).expect(200, /"verified":true/);
    expect(performance.now() - started).toBeGreaterThan(1_990);

    const garbage = await sent(253);
    await sandbox.verify(garbage.pinId, garbage.pin).expect(200, /^<html>/);
  });

  it.each([
    [248, false],
    [251, true],
  ])('in %d drops the verify; judged: %s', async (areaCode, judged) => {
    const { to, pinId, pin } = await sent(areaCode);

    await expect(sandbox.verify(pinId, pin)).rejects.toThrow(/hang up|ECONNRESET/);

    const status = await sandbox.http.get(
      `/2fa/2/applications/${FURNISHED.applicationId}/verifications?msisdn=${to}`,
    );
    expect(status.body.verifications).toMatchObject([{ verified: judged }]);
  });

  it('in 240 is never judged', async () => {
    const { pinId, pin } = await sent(240);

    await expect(sandbox.verify(pinId, pin).timeout(150)).rejects.toThrow(/Timeout/);
  });
});

describe('A magic mailbox of the sandbox', () => {
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

  const mail = (to: string) =>
    sandbox.http.post('/2fa/2/pin/email').send({ ...FURNISHED, messageId, to });

  it.each([
    ['delivered@sandbox.test', 'PENDING_ACCEPTED'],
    ['not-sent+1@sandbox.test', 'UNDELIVERABLE_NOT_DELIVERED'],
    ['no-credit+2@sandbox.test', 'REJECTED_NOT_ENOUGH_CREDITS'],
    ['Unreachable@Sandbox.test', 'UNDELIVERABLE_NOT_DELIVERED'],
    ['somebody@sandbox.test', 'PENDING_ACCEPTED'],
  ])('%s comes to %s', async (to, name) => {
    expect((await mail(to).expect(200)).body.emailStatus).toMatchObject({ name });
  });

  it.each([
    ['throttled@sandbox.test', 429],
    ['server-error+x@sandbox.test', 500],
  ])('%s is refused with %d', async (to, status) => {
    await mail(to).expect(status);
  });
});
