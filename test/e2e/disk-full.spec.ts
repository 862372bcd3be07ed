import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toModuleUrl } from '../support/module-url.js';
import { newPhoneNumber } from '../support/outage/load-generator.js';
import { expectProblem } from '../support/problem.js';
import { startFakeProvider, type FakeProvider } from '../support/providers/fake-provider.js';
import { startReplica, type Replica } from '../support/replica.js';

const START_TIMEOUT_MS = 60_000;

const LIMIT_FILE_SIZE = toModuleUrl(`
  import { execFileSync } from 'node:child_process';
  execFileSync('prlimit', ['--pid', String(process.pid), '--fsize=1:unlimited']);
`);

describe('A service whose disk is full', () => {
  let sandbox: FakeProvider;
  let service: Replica;
  let dataDir: string;
  let sent: { phoneNumber: string; pinId: string; otpCode: string };

  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'otp-full-'));
    sandbox = await startFakeProvider();
    service = await startReplica({
      NODE_ENV: 'test',
      INFOBIP_BASE_URL: sandbox.url,
      DATA_DIR: dataDir,
      SEND_COOLDOWN: '1s',
    });
    const phoneNumber = newPhoneNumber();
    const { pinId } = (await send(phoneNumber)).body;
    const [otpCode = ''] = await sandbox.getReceivedCodes(phoneNumber);
    sent = { phoneNumber, pinId, otpCode };
    limitFileSize('1');
  }, START_TIMEOUT_MS);

  afterAll(async () => {
    await service.stop();
    await sandbox.close();
    rmSync(dataDir, { recursive: true });
  });

  /** Limits the size of each file that the service writes. Unlike a quota, this also stops root. */
  function limitFileSize(bytes: string): void {
    execFileSync('prlimit', ['--pid', String(service.pid), `--fsize=${bytes}:unlimited`]);
  }

  const send = (phoneNumber: string) => service.http.post('/otp/send').send({ phoneNumber });
  const verify = () => {
    const { pinId, otpCode } = sent;
    return service.http.post('/otp/verify').send({ pinId, otpCode });
  };

  it('says what to do if it starts with the full disk', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'otp-full-'));
    const settings = { OTP_SECRET: 'x'.repeat(32), DATA_DIR: folder };

    await expect(startReplica(settings, { preload: LIMIT_FILE_SIZE })).rejects.toThrow(
      'The database of DATA_DIR cannot be used: disk I/O error. Check that the disk has free space',
    );
    rmSync(folder, { recursive: true });
  });

  it('answers send, verify and cancel with 503 and Retry-After, and sends no message', async () => {
    const phoneNumber = newPhoneNumber();
    expectProblem(await send(phoneNumber), 503, 'storage_unavailable');
    expectProblem(await verify(), 503, 'storage_unavailable');
    expectProblem(await service.http.delete(`/otp/${sent.pinId}`), 503, 'storage_unavailable');

    expect(await sandbox.getReceivedCodes(phoneNumber)).toEqual([]);
    expect(service.output).toContain('The database failed.');
  });

  it('still answers requests that only read', async () => {
    const { body } = await service.http.get(`/otp/${sent.pinId}`).expect(200);
    expect(body.status).toBe('pending');
    await service.http.get('/health/live').expect(200);
  });

  it('recovers by itself when the disk has space again', async () => {
    limitFileSize('unlimited');

    await verify().expect(200, { verified: true });
    await send(newPhoneNumber()).expect(200);
  });
});
