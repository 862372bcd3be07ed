import { seconds } from '../../src/common/durations.js';
import { SlidingWindows } from '../../src/sandbox/infobip/sliding-windows.js';
import { wrong } from '../support/codes.js';
import { expectRefusal, startTestSandbox, TO, type TestSandbox } from '../support/sandbox.js';

const OTHER = '41793026728';

describe('The limits of an application in the sandbox', () => {
  let sandbox: TestSandbox;

  beforeEach(async () => {
    sandbox = await startTestSandbox();
  });

  afterEach(() => sandbox.close());

  /** Sends by an application with this configuration. */
  const sender = async (configuration: object) => {
    const applicationId = await sandbox.createApplication(configuration);
    const messageId = await sandbox.createTemplate(applicationId);
    return (to: string) => sandbox.send(to, { applicationId, messageId });
  };

  it('hold per number in every interval, to the millisecond', async () => {
    const send = await sender({ sendPinPerPhoneNumberLimit: '2/10s' });
    await send(TO).expect(200);
    sandbox.clock.advance(seconds(9));
    await send(TO).expect(200);

    const refused = await send(TO);
    expectRefusal(refused, 429, 'TOO_MANY_REQUESTS');
    expect(refused.headers['retry-after']).toBe('1');
    await send(OTHER).expect(200);
    sandbox.clock.advance(999);
    await send(TO).expect(429);
    sandbox.clock.advance(1);
    await send(TO).expect(200);
    // The window slides: the second of the texts above still counts.
    await send(TO).expect(429);
  });

  it('hold per application, whatever the number', async () => {
    const send = await sender({ sendPinPerApplicationLimit: '2/1m' });
    await send(TO).expect(200);
    await send(OTHER).expect(200);

    expectRefusal(await send('41793026729'), 429, 'TOO_MANY_REQUESTS');
    expect(await sandbox.inbox()).toHaveLength(2);
    await (await sender({ sendPinPerApplicationLimit: '2/1m' }))(TO).expect(200);
  });

  it('do not count what they refused', async () => {
    const send = await sender({
      sendPinPerPhoneNumberLimit: '1/10s',
      sendPinPerApplicationLimit: '2/1m',
    });
    await send(TO).expect(200);
    await send(TO).expect(429);

    await send(OTHER).expect(200);
    await send('41793026729').expect(429);
  });

  it('count a resend as a send', async () => {
    const { pinId } = await sandbox.sendBy({ sendPinPerPhoneNumberLimit: '2/10s' });
    const resend = () => sandbox.http.post(`/2fa/2/pin/${pinId}/resend`).send({});
    await resend().expect(200);

    expectRefusal(await resend(), 429, 'TOO_MANY_REQUESTS');
  });

  it('let one verify through in three seconds by default, and a throttled one costs nothing', async () => {
    const { pinId, pin } = await sandbox.sendBy({ pinAttempts: 2 });
    await sandbox.verify(pinId, wrong(pin)).expect(200);

    expectRefusal(await sandbox.verify(pinId, wrong(pin)), 429, 'TOO_MANY_REQUESTS');
    sandbox.clock.advance(2_999);
    await sandbox.verify(pinId, pin).expect(429);
    sandbox.clock.advance(1);
    await sandbox.verify(pinId, pin).expect(200, /"verified":true/);
  });

  it('count the verifies of a number over all its pins', async () => {
    const applicationId = await sandbox.createApplication();
    const messageId = await sandbox.createTemplate(applicationId);
    const send = async () => (await sandbox.send(TO, { applicationId, messageId })).body.pinId;
    const [first, second] = [await send(), await send()];
    await sandbox.verify(first, 'x').expect(200);

    await sandbox.verify(second, 'x').expect(429);
  });

  it('of the furnished application are met by nobody', async () => {
    const answers = await Promise.all(Array.from({ length: 300 }, () => sandbox.send(TO)));

    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
  });
});

describe('A sliding window', () => {
  it('forgets what was used least recently rather than grow', () => {
    const windows = new SlidingWindows(() => 0, { events: 20, keys: 10 });
    const once = { count: 1, intervalMs: 1 };
    for (let key = 0; key <= 10; key += 1) windows.countEvent(String(key));

    expect(windows.getWaitMs('0', once)).toBe(0);
    expect(windows.getWaitMs('10', once)).toBe(1);
    for (let event = 0; event < 20; event += 1) windows.countEvent('10');
    expect(windows.getWaitMs('9', once)).toBe(0);
  });
});
