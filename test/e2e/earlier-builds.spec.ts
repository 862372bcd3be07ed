import { minutes, seconds } from '../../src/common/durations.js';
import { InfobipCodeLengths } from '../../src/providers/infobip/infobip.code-lengths.js';
import { createFixture, ENGINES, listFixtures } from '../support/earlier-builds/fixtures.js';
import { FIXTURE_SETTINGS, TEST_CODE } from '../support/earlier-builds/scenario.js';
import { UpgradedService } from '../support/earlier-builds/upgraded-service.js';
import { reply } from '../support/scripted-upstream.js';
import { wrongCode } from '../support/wrong-code.js';

const { FIXTURE_COMMIT, FIXTURE_DIST } = process.env;
const NEXT_SECRET = 'the secret that comes after the first';

jest.setTimeout(minutes(2));

/** Repeats every request that had an idempotency key. */
async function repeatAll(
  upgraded: UpgradedService,
): Promise<{ first: object[]; repeated: object[] }> {
  const requests = Object.values(upgraded.database.flows).flatMap((flow) => flow.requests);
  const repeated = [];
  for (const request of requests) {
    const { headers, status, body } = await upgraded.repeat(request);
    const isReplayed = headers['idempotency-replayed'] === 'true';
    repeated.push({ path: request.path, isReplayed, status, ...toComparable(body) });
  }
  const first = requests.map(({ path, status, answer }) => ({
    path,
    isReplayed: true,
    status,
    ...toComparable(answer),
  }));
  return { first, repeated };
}

/** The part of a response that is the same in each build: of a problem document only its code. */
const toComparable = (body: object): object => ('code' in body ? { code: body.code } : body);

if (FIXTURE_COMMIT !== undefined && FIXTURE_DIST !== undefined) {
  it('creates the fixture of a build (npm run fixture)', () =>
    createFixture(FIXTURE_COMMIT, FIXTURE_DIST));
} else {
  describe.each(
    listFixtures().flatMap((commit) => ENGINES.map((engine) => [commit, engine] as const)),
  )('The database of build %s on %s', (commit, engine) => {
    describe('with the OTP_SECRET of that build', () => {
      let upgraded: UpgradedService;
      beforeAll(async () => {
        upgraded = await UpgradedService.start(commit, engine, {
          SENDS_PER_NUMBER_PER_DAY: '3',
          FAILED_ATTEMPTS_PER_NUMBER_PER_HOUR: '6',
        });
      });
      afterAll(() => upgraded.close());

      it('replays every stored response, also that of a request whose result is unknown', async () => {
        const { first, repeated } = await repeatAll(upgraded);

        expect(repeated).toEqual(first);
        expect(first.length).toBeGreaterThan(15);
        expect(upgraded.provider.requests).toEqual([]);
      });

      it('shows the status of each verification', async () => {
        const { flows } = upgraded.database;
        const entries = Object.values(flows).map(async ({ pinId }) => {
          const { body } = await upgraded.service.http.get(`/otp/${pinId}`);
          return [body.status, body.attemptsRemaining];
        });
        const statuses = await Promise.all(entries);

        expect(
          Object.fromEntries(Object.keys(flows).map((name, i) => [name, statuses[i]])),
        ).toEqual({
          pending: ['pending', 5],
          tried: ['pending', 4],
          resent: ['pending', 5],
          lost: ['pending', 5],
          verified: ['verified', 4],
          cancelled: ['cancelled', 5],
          exhausted: ['exhausted', 0],
          ended: ['expired', 4],
          test: ['pending', 4],
        });
      });

      it('rejects codes for closed verifications, and counts a wrong code of an open one', async () => {
        const { cancelled, exhausted, verified, tried } = upgraded.database.flows;
        const reasons = [];
        for (const { pinId, code } of [cancelled, exhausted, verified, tried]) {
          const { body } = await upgraded.post('verify', { pinId, otpCode: wrongCode(code) });
          reasons.push(body.attemptsRemaining ?? body.reason);
        }

        expect(reasons).toEqual(['cancelled', 'attempts_exhausted', 'already_verified', 3]);
      });

      it('verifies a pending code, and that of a test number', async () => {
        const { pending, test } = upgraded.database.flows;
        const { phoneNumber, code, providerPinId } = pending;
        const right = await upgraded.post('verify', { phoneNumber, otpCode: code });
        const providerPath = upgraded.provider.requests.at(-1)?.path;
        const tested = await upgraded.post('verify', { pinId: test.pinId, otpCode: TEST_CODE });

        expect([right.body, tested.body]).toEqual([{ verified: true }, { verified: true }]);
        expect(providerPath).toContain(`/pin/${String(providerPinId)}/verify`);
      });

      it('looks a verified number up, and erases it', async () => {
        const { phoneNumber, pinId } = upgraded.database.flows.verified;
        const before = await upgraded.post('numbers/lookup', { phoneNumber });
        const erased = await upgraded.post('numbers/erase', { phoneNumber });
        const after = await upgraded.post('numbers/lookup', { phoneNumber });
        const status = await upgraded.service.http.get(`/otp/${pinId}`);

        expect([before.body.verified, after.body.verified]).toEqual([true, false]);
        expect([erased.status, status.status]).toEqual([204, 404]);
      });

      it('keeps the cooldown and the limits of a number, and resends a stored code', async () => {
        const { resent, exhausted } = upgraded.database.flows;
        const resend = () => upgraded.post('resend', { pinId: resent.pinId });
        const early = await resend();
        upgraded.service.clock.advance(seconds(30));
        const again = await resend();
        const providerPath = upgraded.provider.requests.at(-1)?.path;
        upgraded.service.clock.advance(seconds(30));
        const late = await resend();

        expect([early.body.code, again.body.pinId, late.body.code]).toEqual([
          'cooldown_active',
          resent.pinId,
          'quota_exceeded',
        ]);
        expect(providerPath).toContain(`/pin/${String(resent.providerPinId)}/resend`);

        const { body } = await upgraded.post('send', { phoneNumber: exhausted.phoneNumber });
        // Five of the six wrong codes of an hour were submitted to the earlier build.
        const wrong = () => upgraded.post('verify', { pinId: body.pinId, otpCode: '0000' });
        expect([(await wrong()).body.reason, (await wrong()).body.code]).toEqual([
          'wrong_code',
          'quota_exceeded',
        ]);
      });

      it('lets a pending verification expire', async () => {
        const { pinId, code } = upgraded.database.flows.lost;
        upgraded.service.clock.advance(minutes(5));
        const verify = await upgraded.post('verify', { pinId, otpCode: code });
        const resend = await upgraded.post('resend', { pinId });

        expect([verify.body.reason, resend.body.code]).toEqual(['expired', 'not_resendable']);
      });
    });

    it('is still read after a new secret was put before that of the build', async () => {
      const OTP_SECRET = `${NEXT_SECRET},${FIXTURE_SETTINGS.OTP_SECRET}`;
      const upgraded = await UpgradedService.start(commit, engine, { OTP_SECRET });
      const { pinId, code } = upgraded.database.flows.pending;
      const { first, repeated } = await repeatAll(upgraded);
      const right = await upgraded.post('verify', { pinId, otpCode: code });
      await upgraded.close();

      expect(repeated).toEqual(first);
      expect(right.body).toEqual({ verified: true });
    });

    it('stores no length of its codes, so that a code of any length is checked', async () => {
      const upgraded = await UpgradedService.start(commit, engine);
      upgraded.provider.answerReads(reply(200, { pinType: 'NUMERIC', pinLength: 6 }));
      await upgraded.service.app.get(InfobipCodeLengths).read();
      const { pinId } = upgraded.database.flows.pending;
      const wrong = await upgraded.post('verify', { pinId, otpCode: '12345' });
      upgraded.service.clock.advance(seconds(30));
      const resent = await upgraded.post('resend', { pinId });
      const status = await upgraded.service.http.get(`/otp/${pinId}`);
      const sent = await upgraded.post('send', { phoneNumber: '+14155550299' });
      await upgraded.close();

      expect(wrong.body).toEqual({ verified: false, reason: 'wrong_code', attemptsRemaining: 4 });
      expect([resent, status, sent].map(({ body }) => body.codeLength)).toEqual([
        undefined,
        undefined,
        6,
      ]);
    });

    it('keeps its counts of unverified messages per prefix', async () => {
      const settings = { PUMPING_FLOOR_PER_HOUR: '5' };
      const upgraded = await UpgradedService.start(commit, engine, settings);
      // After 15 minutes, the burst allowance for recent messages no longer covers these.
      upgraded.service.clock.advance(minutes(15));
      const { body } = await upgraded.post('send', { phoneNumber: '+14155550299' });
      await upgraded.close();

      expect(body.code).toBe('destination_suspended');
    });
  });
}
