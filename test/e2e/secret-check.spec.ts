import { readFileSync } from 'node:fs';
import { sql } from 'kysely';
import { FakeClock } from '../support/fake-clock.js';
import { newVerification, sendResponse } from '../support/new-verification.js';
import { phoneNumber } from '../support/phone-number.js';
import { startReplica } from '../support/replica.js';
import { DATABASES, type TestStorage } from '../support/store.js';

const [OLD, NEW] = ['the old master secret of this test', 'the new master secret of this test'];
const [DELETE_LOST = ''] =
  /(?<=`)delete from verifications [^`]+/.exec(readFileSync('docs/operating.md', 'utf8')) ?? [];

describe.each(DATABASES)(
  'A start with the secrets of OTP_SECRET, on %s,',
  (_engine, newStorage) => {
    const clock = new FakeClock();
    let storage: TestStorage;
    let count = 0;

    beforeEach(async () => {
      storage = await newStorage();
    });

    afterEach(() => storage.removeData());

    /** Stores a verification as a replica with this secret does. */
    async function send(OTP_SECRET: string): Promise<void> {
      const { store, close } = await open(OTP_SECRET);
      clock.advance(1);
      count += 1;
      const pinId = `pin-${String(count)}`;
      const number = phoneNumber(`+141555526${String(count + 10)}`);
      const admission = await store.reserveSend(newVerification(pinId, number, clock.now()));
      if (admission.outcome !== 'admitted') throw new Error(admission.outcome);
      const accepted = { provider: 'infobip', pinId: 'any', possiblySentBy: [] };
      await store.confirmSend(admission.reservation, accepted, sendResponse(pinId));
      await close();
    }

    async function open(OTP_SECRET: string) {
      const opened = await storage.open(clock, { OTP_SECRET });
      return { ...opened, close: () => opened.close() };
    }

    /** @returns why the service does not start; `undefined` if it starts */
    async function tryStart(OTP_SECRET: string): Promise<string | undefined> {
      const settings = { ...storage.settings, OTP_SECRET, INFOBIP_BASE_URL: 'http://127.0.0.1:9' };
      try {
        const replica = await startReplica(settings);
        await replica.stop();
        return undefined;
      } catch (error) {
        return (error as Error).message;
      }
    }

    it('fails without the secret of the newest verification, until what it encrypted is deleted', async () => {
      await send(OLD);

      const output = await tryStart(NEW);

      expect(output).toMatch(
        /The database of DATA\w+ cannot be used: its newest verification is encrypted with a secret/,
      );
      expect(output).toContain('Add the earlier secret to the end of OTP_SECRET');
      const [, keyId = ''] = /\(key id ([\w-]+)\)/.exec(output ?? '') ?? [];
      const { database, close } = await open(NEW);
      const { deleteLost } = database.prepare('test', {
        deleteLost: () => sql`${sql.raw(DELETE_LOST.replace('KEY_ID', keyId))}`,
      });
      await database.run((batch) => deleteLost(batch, {}));
      await close();
      expect(await tryStart(NEW)).toBeUndefined();
    });

    it('succeeds at each step of a rotation, also back to the step before', async () => {
      await send(OLD);
      expect(await tryStart(`${OLD},${NEW}`)).toBeUndefined();
      await send(`${OLD},${NEW}`);
      expect(await tryStart(OLD)).toBeUndefined();
      expect(await tryStart(`${NEW},${OLD}`)).toBeUndefined();
      await send(`${NEW},${OLD}`);
      expect(await tryStart(`${OLD},${NEW}`)).toBeUndefined();
      expect(await tryStart(NEW)).toBeUndefined();
    });
  },
);
