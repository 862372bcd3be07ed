import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Libsql from 'libsql';
import { DataProtection } from '../../src/storage/data-protection.js';
import { decryptAsReleaseBefore } from '../support/earlier-builds/previous-reader.js';
import { startSandboxedService } from '../support/service.js';
import { wrongCode } from '../support/wrong-code.js';

const NUMBER = '+14155552671';
const SECRET = 'a master secret that only tests know of';
const isText = (value: unknown): value is string => typeof value === 'string';

interface StoredValues {
  readonly verification: { pin_id: string; sealed: string };
  readonly keys: { run: string; sealed_answer: string }[];
}

describe('The release before', () => {
  it('reads what this release stores: numbers, handles and responses', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'otp-previous-'));
    const service = await startSandboxedService({ DATA_DIR: dataDir });
    const post = (path: string, key: string, body: object) =>
      service.http.post(path).set('idempotency-key', key).send(body);
    const { body: sent } = await post('/otp/send', 'key-1', { phoneNumber: NUMBER });
    const { pinId } = sent;
    const [code = ''] = await service.getReceivedCodes(NUMBER);
    const [providerPinId] = await service.getProviderPinIds(NUMBER);
    const otpCode = wrongCode(code);
    const { body: wrong } = await post('/otp/verify', 'key-2', { pinId, otpCode });
    const { body: right } = await post('/otp/verify', 'key-3', { pinId, otpCode: code });
    await service.close();

    const { verification, keys } = readValues(dataDir);
    const { pin_id, sealed } = verification;
    expect(decryptAsReleaseBefore(SECRET, sealed, pin_id)).toEqual({ to: NUMBER, providerPinId });
    const responses = keys.map(({ run, sealed_answer }) =>
      decryptAsReleaseBefore(SECRET, sealed_answer, run),
    );
    expect(responses).toHaveLength(3);
    expect(responses).toEqual(expect.arrayContaining([sent, wrong, right]));
    for (const value of [sealed, ...keys.map((key) => key.sealed_answer)]) {
      expect(value).toMatch(/^[\w-]{6}\.[\w-]+\.1$/);
    }
    rmSync(dataDir, { recursive: true });
  });

  it('and this release wrote values in formats that are still read', () => {
    const protection = new DataProtection({ secrets: [SECRET] });
    // A later release must read these as well, until no database has them.
    const formats = {
      none: 'jbg7nw.12s3QdGmu3IZT8Wlg_MOSDk2iy_QErb4Lp6XUgqiuw6Tnw',
      1: 'jbg7nw.12s3QdGmu3IZT8Wlg_MOSDk2iy_QErb4Lp6XUgqiuw6Tnw.1',
    };

    for (const sealed of Object.values(formats)) {
      expect(protection.decrypt(sealed, 'context', isText)).toBe('text');
    }
  });
});

function readValues(dataDir: string): StoredValues {
  const database = new Libsql(join(dataDir, 'otp.db'));
  const verification = database.prepare('select pin_id, sealed from verifications').get();
  const keys = database.prepare('select run, sealed_answer from idempotency_keys').all();
  database.close();
  return { verification, keys } as StoredValues;
}
