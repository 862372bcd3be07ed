import { seconds } from '../../src/common/durations.js';
import { DataProtection } from '../../src/storage/data-protection.js';
import { ENGINES, type RestoredDatabase } from '../support/earlier-builds/fixtures.js';
import { FIXTURE_SETTINGS } from '../support/earlier-builds/scenario.js';
import { FakeClock } from '../support/fake-clock.js';
import { UpgradedService } from '../support/earlier-builds/upgraded-service.js';

/** The build whose database these tests damage. */
const COMMIT = 'd3d41af';
const { OTP_SECRET } = FIXTURE_SETTINGS;
const NEXT_SECRET = 'the secret that comes after the first';

/** Encrypts these fields of a verification as this release does. */
const encryptFields = (fields: object, pinId: string) =>
  new DataProtection({ secrets: [OTP_SECRET] }, new FakeClock()).encrypt(fields, {
    purpose: 'verification',
    client: 'anonymous',
    record: [pinId],
  });

interface Damage {
  readonly cause: string;
  /** The error message in the log. */
  readonly explanation: string;
  readonly settings?: NodeJS.ProcessEnv;
  readonly damage?: (database: RestoredDatabase) => Promise<void>;
}

const setSealed =
  (expression: string) =>
  (database: RestoredDatabase): Promise<void> =>
    database.run(`update verifications set sealed = ${expression}`);

const setStoredResponses =
  (expression: string) =>
  (database: RestoredDatabase): Promise<void> =>
    database.run(
      `update idempotency_keys set sealed_answer = ${expression} where state = 'answered'`,
    );

const setFields =
  (fields: object) =>
  async (database: RestoredDatabase): Promise<void> => {
    for (const { pinId } of Object.values(database.flows)) {
      const sealed = encryptFields(fields, pinId);
      await database.run(`update verifications set sealed = '${sealed}' where pin_id = '${pinId}'`);
    }
  };

const UNKNOWN_FORMAT = 'A newer release encrypted the stored data.';
const UNKNOWN_SECRET = 'OTP_SECRET no longer lists the secret of the stored data.';
const CORRUPTED = 'The stored data was changed, or moved to another row.';
const UNEXPECTED_SHAPE = 'The stored data is not of the expected shape.';

const VERIFICATIONS: Damage[] = [
  {
    cause: 'a secret that is no longer listed',
    explanation: UNKNOWN_SECRET,
    damage: async (database) => {
      const { pending, test, cancelled } = database.flows;
      await database.run(`update verifications set sealed = 'AAAAAA' || substr(sealed, 7)
        where pin_id in ('${pending.pinId}', '${test.pinId}')`);
      // The service starts, because it can read the newest verification.
      await database.run(`update verifications
        set created_at = (select max(created_at) + 1 from verifications)
        where pin_id = '${cancelled.pinId}'`);
    },
  },
  {
    cause: 'the format of a newer release',
    explanation: UNKNOWN_FORMAT,
    damage: setSealed("sealed || '.3'"),
  },
  {
    cause: 'a changed value',
    explanation: CORRUPTED,
    damage: setSealed("replace(sealed, '.', '.A')"),
  },
  {
    cause: 'a shortened value',
    explanation: CORRUPTED,
    damage: setSealed('substr(sealed, 1, 12)'),
  },
  { cause: 'no encrypted value', explanation: CORRUPTED, damage: setSealed("'text'") },
  {
    cause: 'a value of another row',
    explanation: CORRUPTED,
    damage: setSealed("(select sealed from verifications as other where status = 'cancelled')"),
  },
  {
    cause: 'no provider pinId',
    explanation: UNEXPECTED_SHAPE,
    damage: setFields({ to: '+14155550201' }),
  },
  {
    cause: 'no phone number',
    explanation: UNEXPECTED_SHAPE,
    damage: setFields({ to: 'ann@example.com', providerPinId: 'PIN' }),
  },
];

const RESPONSES: Damage[] = [
  {
    cause: 'the format of a newer release',
    explanation: UNKNOWN_FORMAT,
    damage: setStoredResponses("sealed_answer || '.3'"),
  },
  {
    cause: 'a changed value',
    explanation: CORRUPTED,
    damage: setStoredResponses("replace(sealed_answer, '.', '.A')"),
  },
  { cause: 'no value', explanation: CORRUPTED, damage: setStoredResponses("''") },
  {
    cause: 'the value of another operation',
    explanation: UNEXPECTED_SHAPE,
    // Swaps the responses to a send and its verify.
    damage: (database) =>
      database.run(`update idempotency_keys set run = other.run, sealed_answer = other.sealed_answer
        from (select pin_id, key_hash, run, sealed_answer from idempotency_keys) as other
        where other.pin_id = idempotency_keys.pin_id
          and other.key_hash <> idempotency_keys.key_hash
          and other.pin_id = '${database.flows.tried.pinId}'`),
  },
];

describe.each(ENGINES)('Stored data that cannot be read, on %s', (engine) => {
  let upgraded: UpgradedService;

  afterEach(() => upgraded.close());

  const start = async (
    { settings, damage }: Pick<Damage, 'settings' | 'damage'>,
    extraSettings: NodeJS.ProcessEnv = {},
  ) => {
    const allSettings = { ...settings, ...extraSettings };
    upgraded = await UpgradedService.start(COMMIT, engine, allSettings, damage);
    upgraded.service.clock.advance(seconds(30));
  };

  /** The level, problem code and cause of each failed request in the log. */
  const readLog = () =>
    upgraded.service.log.events('request failed').map(({ level, code, err, requestId }) => {
      expect(requestId).toEqual(expect.any(String));
      return { level, code, message: (err as { cause: Error }).cause.message };
    });

  const logged = (message: string) => ({ level: 'error', code: 'stored_data_unreadable', message });

  it.each(VERIFICATIONS)('answers 410 for a verification with $cause', async (damage) => {
    await start(damage);
    const { pending, test } = upgraded.database.flows;

    const responses = [];
    for (const { pinId, code } of [pending, test]) {
      responses.push(await upgraded.service.http.get(`/otp/${pinId}`));
      responses.push(await upgraded.post('verify', { pinId, otpCode: code }));
      responses.push(await upgraded.post('resend', { pinId }));
    }

    expect(responses.map(({ status, body }) => [status, body.code])).toEqual(
      responses.map(() => [410, 'stored_data_unreadable']),
    );
    expect(readLog()).toEqual(responses.map(() => logged(damage.explanation)));
    expect(upgraded.provider.requests).toEqual([]);
  });

  it.each(VERIFICATIONS)(
    'sends and checks a new code in place of one with $cause',
    async (damage) => {
      await start(damage, { FAILED_ATTEMPTS_PER_NUMBER_PER_HOUR: '1' });
      const { pinId, phoneNumber, code } = upgraded.database.flows.pending;
      // The provider does not check this code, so it does not use up the only wrong code of the number.
      await upgraded.post('verify', { pinId, otpCode: code });
      // An idempotency key does not stay claimed: a repeat gets 410 again, and not 409.
      const repeated = [];
      for (let round = 1; round <= 2; round += 1) {
        const verify = upgraded.post('verify', { pinId, otpCode: code });
        repeated.push((await verify.set('idempotency-key', 'verify')).status);
        const resend = upgraded.post('resend', { pinId });
        repeated.push((await resend.set('idempotency-key', 'resend')).status);
      }
      const sent = await upgraded.post('send', { phoneNumber });
      const wrong = await upgraded.post('verify', { pinId: sent.body.pinId, otpCode: '0000' });
      const closed = await upgraded.service.http.delete(`/otp/${pinId}`);

      expect(repeated).toEqual([410, 410, 410, 410]);
      expect([sent.status, wrong.body.reason, closed.status]).toEqual([200, 'wrong_code', 204]);
    },
  );

  it.each(RESPONSES)(
    'answers 410 to a repeated request whose stored response has $cause',
    async (damage) => {
      await start(damage);
      const { tried } = upgraded.database.flows;
      const responses = [];
      for (const request of tried.requests) responses.push(await upgraded.repeat(request));

      expect(responses.map(({ status, body }) => [status, body.code])).toEqual([
        [410, 'stored_data_unreadable'],
        [410, 'stored_data_unreadable'],
      ]);
      expect(responses.map(({ headers }) => headers['idempotency-replayed'])).toEqual([
        undefined,
        undefined,
      ]);
      expect(readLog()).toEqual([logged(damage.explanation), logged(damage.explanation)]);
      expect(upgraded.provider.requests).toEqual([]);
    },
  );

  it('answers 410 to a repeated request whose secret was removed from OTP_SECRET too early', async () => {
    // A repeated request during the rotation renews the hashes of its key.
    await start({ settings: { OTP_SECRET: `${NEXT_SECRET},${OTP_SECRET}` } });
    const [request] = upgraded.database.flows.tried.requests;
    if (!request) throw new Error('no request');
    await upgraded.repeat(request);
    // The newest verification is written with the new secret.
    await upgraded.post('send', { phoneNumber: '+14155550299' });
    upgraded = await upgraded.restart({ OTP_SECRET: NEXT_SECRET });

    expect((await upgraded.repeat(request)).body.code).toBe('stored_data_unreadable');
    expect(readLog()).toEqual([logged(UNKNOWN_SECRET)]);
  });

  it('is not needed to say why a verification is closed, or to erase it', async () => {
    await start({ damage: setSealed("sealed || '.3'") });
    const { cancelled, exhausted, verified, pending } = upgraded.database.flows;
    const reasons = [];
    for (const { pinId, code } of [cancelled, exhausted, verified]) {
      reasons.push((await upgraded.post('verify', { pinId, otpCode: code })).body.reason);
    }
    const erased = await upgraded.post('numbers/erase', { phoneNumber: pending.phoneNumber });

    expect(reasons).toEqual(['cancelled', 'attempts_exhausted', 'already_verified']);
    expect(erased.status).toBe(204);
    expect((await upgraded.service.http.get(`/otp/${pending.pinId}`)).status).toBe(404);
    expect(readLog()).toEqual([]);
  });
});
