import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Libsql from 'libsql';
import { startSandboxedService } from '../support/service.js';

const NUMBER = '+14155552671';
const ADDRESS = '203.0.113.7';
const SECRET = 'a master secret that only tests know of';

describe('What is stored', () => {
  it('holds no number, code, address, reference, idempotency key or provider handle that can be read', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'otp-rest-'));
    const service = await startSandboxedService({ DATA_DIR: dataDir });
    const [reference, key] = [randomUUID(), randomUUID()];
    const { body } = await service.http
      .post('/otp/send')
      .set('idempotency-key', key)
      .send({ phoneNumber: NUMBER, reference, endUserIp: ADDRESS });
    const [code = ''] = await service.codesOf(NUMBER);
    const [vendorPinId = ''] = await service.vendorPinIdsOf(NUMBER);
    await service.http
      .post('/otp/verify')
      .set('idempotency-key', `${key}-2`)
      .send({ pinId: body.pinId, otpCode: code, reference });

    const database = new Libsql(join(dataDir, 'otp.db'));
    const tables = ['verifications', 'numbers', 'idempotency_keys', 'traffic', 'end_users'];
    const rows = tables.map((table) => database.prepare(`select * from ${table}`).all());
    database.close();
    await service.close();
    rmSync(dataDir, { recursive: true, force: true });

    expect(rows.map((list) => list.length)).toEqual([1, 1, 2, 3, 1]);
    const stored = JSON.stringify(rows);
    const digits = NUMBER.slice(1);
    for (const secret of [
      digits,
      code,
      ADDRESS,
      reference,
      key,
      vendorPinId,
      SECRET,
      '+1415•••2671',
    ]) {
      expect(secret).not.toBe('');
      const forms = [
        secret,
        Buffer.from(secret).toString('base64url'),
        Buffer.from(secret).toString('hex'),
      ];
      forms.forEach((form) => {
        expect(stored).not.toContain(form);
      });
    }
  });
});
