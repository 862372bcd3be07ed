import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Libsql from 'libsql';
import { DataProtection, type EncryptedValueContext } from '../../src/storage/data-protection.js';
import { decryptAsPreviousRelease } from '../support/earlier-builds/previous-reader.js';
import { FakeClock } from '../support/fake-clock.js';
import { startSandboxedService } from '../support/service.js';
import { wrongCode } from '../support/wrong-code.js';

const NUMBER = '+14155552671';
const SECRET = 'a master secret that only tests know of';
/** What an encrypted value is bound to: it can be decrypted only with the same context. */
const CONTEXT: EncryptedValueContext = {
  purpose: 'verification',
  client: 'shop',
  record: ['pin-1'],
};
/** `"text"` for that context, encrypted in 2030. */
const FORMAT_2 = 'jbg7nw.AABVm7ooWP63A5S9Va3LJkqEe-JzWV6pyFaOnUA9uhcPOppDxso.2';

const protection = new DataProtection({ secrets: [SECRET] }, new FakeClock());
const isText = (value: unknown): value is string => typeof value === 'string';
const decrypt = (sealed: string, context: EncryptedValueContext) =>
  protection.decrypt(sealed, context, isText, ['context']);

describe('The previous release', () => {
  it('reads what this release stores: numbers, PIN ids and responses', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'otp-previous-'));
    const service = await startSandboxedService({ DATA_DIR: dataDir });
    const responses: object[] = [];
    const requests: string[] = [];
    const post = async (path: string, key: string, body: object) => {
      const response = await service.http.post(path).set('idempotency-key', key).send(body);
      responses.push(response.body);
      requests.push(`POST ${path}\n${JSON.stringify(Object.entries(body).sort())}`);
      return response.body;
    };
    const { pinId } = await post('/otp/send', 'key-0', { phoneNumber: NUMBER });
    const [code = ''] = await service.getReceivedCodes(NUMBER);
    const [providerPinId] = await service.getProviderPinIds(NUMBER);
    await post('/otp/verify', 'key-1', { pinId, otpCode: wrongCode(code) });
    await post('/otp/verify', 'key-2', { pinId, otpCode: code });
    await service.close();

    const { verification, sealedResponses } = readValues(dataDir);
    const read = (sealed: string, purpose: string, record: string[]) =>
      decryptAsPreviousRelease(SECRET, sealed, { purpose, client: 'anonymous', record });
    expect(read(verification, 'verification', [pinId])).toEqual({ to: NUMBER, providerPinId });
    const decrypted = sealedResponses.map((sealed, i) =>
      read(sealed, 'response', [`key-${String(i)}`, requests[i] ?? '']),
    );
    expect(decrypted).toEqual(responses);
    for (const sealed of [verification, ...sealedResponses]) {
      expect(sealed).toMatch(/^[\w-]{6}\.[\w-]+\.2$/);
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
    const changedValues = [FORMAT_2.replace(/2$/, '1'), FORMAT_2.slice(0, -2), changeDay(FORMAT_2)];

    const results = [
      ...contexts.map((context) => decrypt(FORMAT_2, context)),
      ...changedValues.map((sealed) => decrypt(sealed, CONTEXT)),
    ];

    expect(results).toEqual(results.map(() => expect.objectContaining({ reason: 'corrupted' })));
  });

  it('has another key on the next UTC day, and can still be decrypted then', () => {
    const clock = new FakeClock(Date.parse('2030-01-01T23:59:59.999Z'));
    const writer = new DataProtection({ secrets: [SECRET] }, clock);
    const values = [writer.encrypt('text', CONTEXT)];
    clock.advance(1);
    values.push(writer.encrypt('text', CONTEXT));

    // The previous release derives the key from the day that the value begins with, in days since 1970.
    expect(values.map(readDay)).toEqual([21_915, 21_916]);
    const byPrevious = values.map((sealed) => decryptAsPreviousRelease(SECRET, sealed, CONTEXT));
    expect(byPrevious).toEqual(['text', 'text']);
    expect(values.map((sealed) => decrypt(sealed, CONTEXT))).toEqual(['text', 'text']);
  });
});

const readDay = (sealed: string): number =>
  Buffer.from(sealed.split('.')[1] ?? '', 'base64url').readUInt32BE();

/** The value with the day before in its first four bytes, which select the key. */
function changeDay(sealed: string): string {
  const [id = '', data = '', format = ''] = sealed.split('.');
  const bytes = Buffer.from(data, 'base64url');
  bytes.writeUInt32BE(bytes.readUInt32BE() - 1);
  return [id, bytes.toString('base64url'), format].join('.');
}

/** The encrypted values of the verification, and those of the responses in their order. */
function readValues(dataDir: string): { verification: string; sealedResponses: string[] } {
  const database = new Libsql(join(dataDir, 'otp.db'));
  const select = (statement: string) => database.prepare(statement).pluck().all() as string[];
  const [verification = ''] = select('select sealed from verifications');
  const sealedResponses = select('select sealed_answer from idempotency_keys order by rowid');
  database.close();
  return { verification, sealedResponses };
}
