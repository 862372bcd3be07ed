import { minutes } from '../../src/common/durations.js';
import { wrongCode } from '../support/wrong-code.js';
import {
  createMagicNumber,
  expectInfobipError,
  startTestSandbox,
  PHONE_NUMBER,
  type TestSandbox,
} from '../support/sandbox.js';

/** Keeps the verify limit from rejecting calls in these tests. */
const UNLIMITED = { verifyPinLimit: '1000/1s' };

describe('A verify call to the sandbox as Infobip', () => {
  let sandbox: TestSandbox;

  beforeEach(async () => {
    sandbox = await startTestSandbox();
  });

  afterEach(() => sandbox.close());

  it('returns 200 for a wrong PIN too, with the remaining attempts', async () => {
    const { pinId, pin } = await sandbox.sendWithConfiguration({ ...UNLIMITED, pinAttempts: 2 });
    const response = { pinId, msisdn: PHONE_NUMBER, verified: false };

    const wrongPin = { ...response, attemptsRemaining: 1, pinError: 'WRONG_PIN' };
    await sandbox.verify(pinId, wrongCode(pin)).expect(200, wrongPin);
    const correctPin = { ...response, verified: true, attemptsRemaining: 0 };
    await sandbox.verify(pinId, pin).expect(200, correctPin);
  });

  it('rejects the correct PIN once the attempts are used up', async () => {
    const { pinId, pin } = await sandbox.sendWithConfiguration({ ...UNLIMITED, pinAttempts: 1 });
    await sandbox.verify(pinId, wrongCode(pin));

    const { body } = await sandbox.verify(pinId, pin).expect(200);

    expect(body).toMatchObject({
      verified: false,
      attemptsRemaining: 0,
      pinError: 'NO_MORE_PIN_ATTEMPTS',
    });
  });

  it('rejects the correct PIN after its time to live, which a resend does not extend', async () => {
    const { pinId, pin } = await sandbox.sendWithConfiguration({
      ...UNLIMITED,
      pinTimeToLive: '2m',
    });
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
  ])(
    'with allowMultiplePinVerifications %s answers a verified PIN with %d',
    async (allow, status) => {
      const configuration = { ...UNLIMITED, allowMultiplePinVerifications: allow };
      const { pinId, pin } = await sandbox.sendWithConfiguration(configuration);
      await sandbox.verify(pinId, pin).expect(200);

      await sandbox.verify(pinId, pin).expect(status);
    },
  );

  it('returns 404 for an unknown pinId and 400 without a PIN in the body', async () => {
    const { pinId } = await sandbox.sendWithConfiguration(UNLIMITED);

    expectInfobipError(await sandbox.verify('none', '1234'), 404, 'NOT_FOUND');
    const path = `/2fa/2/pin/${pinId}/verify`;
    expectInfobipError(await sandbox.http.post(path).send({}), 400, 'BAD_REQUEST', ['pin']);
    expectInfobipError(await sandbox.http.post(path), 400, 'BAD_REQUEST');
  });
});

describe('The verification status of the sandbox as Infobip', () => {
  let sandbox: TestSandbox;

  beforeEach(async () => {
    sandbox = await startTestSandbox();
  });

  afterEach(() => sandbox.close());

  const getStatus = (query: string) =>
    sandbox.http.get(`/2fa/2/applications/sandbox-application/verifications${query}`);

  it('lists when each PIN was sent and verified, in milliseconds, newest first', async () => {
    const sentAt = sandbox.clock.now();
    const { pinId } = (await sandbox.send(PHONE_NUMBER)).body;
    sandbox.clock.advance(1_500);
    await sandbox.verify(pinId, (await sandbox.listMessages(PHONE_NUMBER))[0]?.pin ?? '');
    await sandbox.send(PHONE_NUMBER);
    await sandbox.send('41793026728');

    const newer = { msisdn: PHONE_NUMBER, verified: false, sentAt: sentAt + 1_500 };
    const older = { msisdn: PHONE_NUMBER, verified: true, sentAt, verifiedAt: sentAt + 1_500 };
    await getStatus(`?msisdn=${PHONE_NUMBER}`).expect(200, { verifications: [newer, older] });
    // Infobip's SDK sends this slash, and the text `undefined` for an option that is not set.
    await getStatus(`/?msisdn=${PHONE_NUMBER}&verified=undefined&sent=undefined`).expect(200, {
      verifications: [newer, older],
    });
    await getStatus(`?msisdn=${PHONE_NUMBER}&verified=true`).expect(200, {
      verifications: [older],
    });
    await getStatus(`?msisdn=${PHONE_NUMBER}&verified=false&sent=true`).expect(200, {
      verifications: [newer],
    });
    await getStatus(`?msisdn=${PHONE_NUMBER}&sent=false`).expect(200, { verifications: [] });
  });

  it('omits sentAt for a PIN that was not sent', async () => {
    // The magic number of `MESSAGE_NOT_SENT`.
    const to = createMagicNumber(202);
    await sandbox.send(to);

    await getStatus(`?msisdn=${to}&sent=false`).expect(200, {
      verifications: [{ msisdn: to, verified: false }],
    });
    await getStatus(`?msisdn=${to}&sent=true`).expect(200, { verifications: [] });
  });

  it('returns 400 without msisdn', async () => {
    expectInfobipError(await getStatus(''), 400, 'BAD_REQUEST', ['msisdn']);
  });
});
