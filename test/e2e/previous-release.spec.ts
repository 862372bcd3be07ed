import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Libsql from 'libsql';
import { DataProtection, type EncryptedValueContext } from '../../src/storage/data-protection.js';
import { decryptAsReleaseBefore } from '../support/earlier-builds/previous-reader.js';
import { startSandboxedService } from '../support/service.js';
import { wrongCode } from '../support/wrong-code.js';

const NUMBER = '+14155552671';
const SECRET = 'a master secret that only tests know of';
const CONTEXT: EncryptedValueContext = {
  purpose: 'verification',
  client: 'shop',
  record: ['pin-1'],
};
/** `"text"` for that context, encrypted in 2030. */
const FORMAT_2 = 'jbg7nw.AABVm7ooWP63A5S9Va3LJkqEe-JzWV6pyFaOnUA9uhcPOppDxso.2';

const protection = new DataProtection({ secrets: [SECRET] });
const isText = (value: unknown): value is string => typeof value === 'string';
const decrypt = (sealed: string, context: EncryptedValueContext) =>
  protection.decrypt(sealed, context, isText, ['context']);

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
    // A later release must read these as well, until no database has them.
    const formats = {
      none: 'jbg7nw.12s3QdGmu3IZT8Wlg_MOSDk2iy_QErb4Lp6XUgqiuw6Tnw',
      1: 'jbg7nw.12s3QdGmu3IZT8Wlg_MOSDk2iy_QErb4Lp6XUgqiuw6Tnw.1',
      2: FORMAT_2,
    };

    for (const sealed of Object.values(formats)) expect(decrypt(sealed, CONTEXT)).toBe('text');
  });
});

describe('A value of format 2', () => {
  it('cannot be decrypted for another purpose, client or record, or as an older format', () => {
    const contexts: EncryptedValueContext[] = [
      { ...CONTEXT, purpose: 'response' },
      { ...CONTEXT, client: 'other' },
      { ...CONTEXT, record: ['pin-2'] },
      { ...CONTEXT, record: ['pin-1', ''] },
      { ...CONTEXT, record: ['pin-1","'] },
    ];
    const changed = [FORMAT_2.replace(/2$/, '1'), FORMAT_2.slice(0, -2), changeDay(FORMAT_2)];

    const results = [
      ...contexts.map((context) => decrypt(FORMAT_2, context)),
      ...changed.map((sealed) => decrypt(sealed, CONTEXT)),
    ];

    expect(results).toEqual(results.map(() => expect.objectContaining({ reason: 'corrupted' })));
  });
});

/** The same value with the day before in front of it. */
function changeDay(sealed: string): string {
  const [id = '', data = '', format = ''] = sealed.split('.');
  const bytes = Buffer.from(data, 'base64url');
  bytes.writeUInt32BE(bytes.readUInt32BE() - 1);
  return [id, bytes.toString('base64url'), format].join('.');
}

function readValues(dataDir: string): StoredValues {
  const database = new Libsql(join(dataDir, 'otp.db'));
  const verification = database.prepare('select pin_id, sealed from verifications').get();
  const keys = database.prepare('select run, sealed_answer from idempotency_keys').all();
  database.close();
  return { verification, keys } as StoredValues;
}
