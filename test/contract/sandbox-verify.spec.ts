import { minutes } from '../../src/common/durations.js';
import { wrong } from '../support/codes.js';
import { expectRefusal, startTestSandbox, TO, type TestSandbox } from '../support/sandbox.js';

/** So that the throttle does not answer first. */
const UNTHROTTLED = { verifyPinLimit: '1000/1s' };

describe('A verify in the sandbox', () => {
  let sandbox: TestSandbox;

  beforeEach(async () => {
    sandbox = await startTestSandbox();
  });

  afterEach(() => sandbox.close());

  it('answers 200 to a wrong pin too, and counts down', async () => {
    const { pinId, pin } = await sandbox.sendBy({ ...UNTHROTTLED, pinAttempts: 2 });
    const judged = { pinId, msisdn: TO, verified: false };

    const refused = { ...judged, attemptsRemaining: 1, pinError: 'WRONG_PIN' };
    await sandbox.verify(pinId, wrong(pin)).expect(200, refused);
    const passed = { ...judged, verified: true, attemptsRemaining: 0 };
    await sandbox.verify(pinId, pin).expect(200, passed);
  });

  it('refuses the right pin once the attempts are used up', async () => {
    const { pinId, pin } = await sandbox.sendBy({ ...UNTHROTTLED, pinAttempts: 1 });
    await sandbox.verify(pinId, wrong(pin));

    const { body } = await sandbox.verify(pinId, pin).expect(200);

    expect(body).toMatchObject({
      verified: false,
      attemptsRemaining: 0,
      pinError: 'NO_MORE_PIN_ATTEMPTS',
    });
  });

  it('refuses the right pin from the end of its life on, which a resend does not move', async () => {
    const { pinId, pin } = await sandbox.sendBy({ ...UNTHROTTLED, pinTimeToLive: '2m' });
    sandbox.clock.advance(minutes(2) - 1);
    await sandbox.http.post(`/2fa/2/pin/${pinId}/resend`).send({}).expect(200);
    await sandbox.verify(pinId, pin).expect(200, /"verified":true/);
    sandbox.clock.advance(1);

    const { body } = await sandbox.verify(pinId, pin).expect(200);

    expect(body).toMatchObject({ verified: false, pinError: 'TTL_EXPIRED' });
  });

  it.each([
    [true, 200],
    [false, 404],
  ])('with allowMultiplePinVerifications %s answers a used pin with %d', async (allow, status) => {
    const configuration = { ...UNTHROTTLED, allowMultiplePinVerifications: allow };
    const { pinId, pin } = await sandbox.sendBy(configuration);
    await sandbox.verify(pinId, pin).expect(200);

    await sandbox.verify(pinId, pin).expect(status);
  });

  it('knows no pin that was not sent, and wants one in the body', async () => {
    const { pinId } = await sandbox.sendBy(UNTHROTTLED);

    expectRefusal(await sandbox.verify('none', '1234'), 404, 'NOT_FOUND');
    const path = `/2fa/2/pin/${pinId}/verify`;
    expectRefusal(await sandbox.http.post(path).send({}), 400, 'BAD_REQUEST', ['pin']);
    expectRefusal(await sandbox.http.post(path), 400, 'BAD_REQUEST');
  });
});

describe('The verification status in the sandbox', () => {
  let sandbox: TestSandbox;

  beforeEach(async () => {
    sandbox = await startTestSandbox();
  });

  afterEach(() => sandbox.close());

  const statusOf = (query: string) =>
    sandbox.http.get(`/2fa/2/applications/sandbox-application/verifications${query}`);

  it('tells in milliseconds when each pin was sent and verified, newest first', async () => {
    const sentAt = sandbox.clock.now();
    const { pinId } = (await sandbox.send(TO)).body;
    sandbox.clock.advance(1_500);
    await sandbox.verify(pinId, (await sandbox.inbox(TO))[0]?.pin ?? '');
    await sandbox.send(TO);
    await sandbox.send('41793026728');

    const newer = { msisdn: TO, verified: false, sentAt: sentAt + 1_500 };
    const older = { msisdn: TO, verified: true, sentAt, verifiedAt: sentAt + 1_500 };
    await statusOf(`?msisdn=${TO}`).expect(200, { verifications: [newer, older] });
    await statusOf(`/?msisdn=${TO}&verified=undefined&sent=undefined`).expect(200, {
      verifications: [newer, older],
    });
    await statusOf(`?msisdn=${TO}&verified=true`).expect(200, { verifications: [older] });
    await statusOf(`?msisdn=${TO}&verified=false&sent=true`).expect(200, {
      verifications: [newer],
    });
    await statusOf(`?msisdn=${TO}&sent=false`).expect(200, { verifications: [] });
  });

  it('tells of what was not sent, without a time', async () => {
    const to = '12025550100';
    await sandbox.send(to);

    await statusOf(`?msisdn=${to}&sent=false`).expect(200, {
      verifications: [{ msisdn: to, verified: false }],
    });
    await statusOf(`?msisdn=${to}&sent=true`).expect(200, { verifications: [] });
  });

  it('wants to know of whom', async () => {
    expectRefusal(await statusOf(''), 400, 'BAD_REQUEST', ['msisdn']);
  });
});
