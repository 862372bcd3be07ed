import { seconds } from '../../src/common/durations.js';
import { SlidingWindows } from '../../src/sandbox/infobip/sliding-windows.js';
import { wrongCode } from '../support/wrong-code.js';
import {
  expectInfobipError,
  startTestSandbox,
  PHONE_NUMBER,
  type TestSandbox,
} from '../support/sandbox.js';

const OTHER_NUMBER = '41793026728';

describe('The limits of an Infobip application in the sandbox', () => {
  let sandbox: TestSandbox;

  beforeEach(async () => {
    sandbox = await startTestSandbox();
  });

  afterEach(() => sandbox.close());

  /** Returns a function that sends with an application of this configuration. */
  const createSender = async (configuration: object) => {
    const applicationId = await sandbox.createApplication(configuration);
    const messageId = await sandbox.createTemplate(applicationId);
    return (to: string) => sandbox.send(to, { applicationId, messageId });
  };

  it('limit the sends to one number in a sliding window, exact to the millisecond', async () => {
    const send = await createSender({ sendPinPerPhoneNumberLimit: '2/10s' });
    await send(PHONE_NUMBER).expect(200);
    sandbox.clock.advance(seconds(9));
    await send(PHONE_NUMBER).expect(200);

    const rejected = await send(PHONE_NUMBER);
    expectInfobipError(rejected, 429, 'TOO_MANY_REQUESTS');
    expect(rejected.headers['retry-after']).toBe('1');
    await send(OTHER_NUMBER).expect(200);
    sandbox.clock.advance(999);
    await send(PHONE_NUMBER).expect(429);
    sandbox.clock.advance(1);
    await send(PHONE_NUMBER).expect(200);
    // The window slides: the second send above still counts.
    await send(PHONE_NUMBER).expect(429);
  });

  it('limit the sends of one application over all numbers', async () => {
    const send = await createSender({ sendPinPerApplicationLimit: '2/1m' });
    await send(PHONE_NUMBER).expect(200);
    await send(OTHER_NUMBER).expect(200);

    expectInfobipError(await send('41793026729'), 429, 'TOO_MANY_REQUESTS');
    expect(await sandbox.listMessages()).toHaveLength(2);
    const sendByOther = await createSender({ sendPinPerApplicationLimit: '2/1m' });
    await sendByOther(PHONE_NUMBER).expect(200);
  });

  it('do not count rejected sends', async () => {
    const send = await createSender({
      sendPinPerPhoneNumberLimit: '1/10s',
      sendPinPerApplicationLimit: '2/1m',
    });
    await send(PHONE_NUMBER).expect(200);
    await send(PHONE_NUMBER).expect(429);

    await send(OTHER_NUMBER).expect(200);
    await send('41793026729').expect(429);
  });

  it('count a resend as a send', async () => {
    const { pinId } = await sandbox.sendWithConfiguration({ sendPinPerPhoneNumberLimit: '2/10s' });
    const resend = () => sandbox.http.post(`/2fa/2/pin/${pinId}/resend`).send({});
    await resend().expect(200);

    expectInfobipError(await resend(), 429, 'TOO_MANY_REQUESTS');
  });

  it('reject a second verify call within three seconds by default, without using up an attempt', async () => {
    const { pinId, pin } = await sandbox.sendWithConfiguration({ pinAttempts: 2 });
    await sandbox.verify(pinId, wrongCode(pin)).expect(200);

    expectInfobipError(await sandbox.verify(pinId, wrongCode(pin)), 429, 'TOO_MANY_REQUESTS');
    sandbox.clock.advance(2_999);
    await sandbox.verify(pinId, pin).expect(429);
    sandbox.clock.advance(1);
    await sandbox.verify(pinId, pin).expect(200, /"verified":true/);
  });

  it('count the verify calls of a number over all its PINs', async () => {
    const applicationId = await sandbox.createApplication();
    const messageId = await sandbox.createTemplate(applicationId);
    const send = async () =>
      (await sandbox.send(PHONE_NUMBER, { applicationId, messageId })).body.pinId;
    const [first, second] = [await send(), await send()];
    await sandbox.verify(first, 'x').expect(200);

    await sandbox.verify(second, 'x').expect(429);
  });

  it('of the default application allow 300 sends to one number at once', async () => {
    const responses = await Promise.all(
      Array.from({ length: 300 }, () => sandbox.send(PHONE_NUMBER)),
    );

    expect(responses.filter(({ status }) => status !== 200)).toEqual([]);
  });
});

describe('The sliding windows of the sandbox', () => {
  it('evict the least recently used keys when there are too many keys or events', () => {
    const windows = new SlidingWindows(() => 0, { events: 20, keys: 10 });
    const oncePerMs = { count: 1, intervalMs: 1 };
    for (let key = 0; key <= 10; key += 1) windows.countEvent(String(key));

    expect(windows.getWaitMs('0', oncePerMs)).toBe(0);
    expect(windows.getWaitMs('10', oncePerMs)).toBe(1);
    expect(windows.getWaitMs('9', oncePerMs)).toBe(1);
    for (let event = 0; event < 20; event += 1) windows.countEvent('10');
    expect(windows.getWaitMs('9', oncePerMs)).toBe(0);
  });
});
