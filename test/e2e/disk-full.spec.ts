import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newPhone } from '../support/outage/load.js';
import { expectProblem } from '../support/problem.js';
import { startLookAlike, type LookAlike } from '../support/providers/look-alike.js';
import { startReplica, type Replica } from '../support/replica.js';

const STARTING_MS = 60_000;

describe('While nothing can be written to the disk,', () => {
  let sandbox: LookAlike;
  let service: Replica;
  let dataDir: string;
  let sent: { phoneNumber: string; pinId: string; otpCode: string };

  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'otp-full-'));
    sandbox = await startLookAlike();
    service = await startReplica({
      NODE_ENV: 'test',
      INFOBIP_BASE_URL: sandbox.url,
      DATA_DIR: dataDir,
      SEND_COOLDOWN: '1s',
    });
    const phoneNumber = newPhone();
    const { pinId } = (await send(phoneNumber)).body;
    const [otpCode = ''] = await sandbox.codesOf(phoneNumber);
    sent = { phoneNumber, pinId, otpCode };
    limitFiles('1');
  }, STARTING_MS);

  afterAll(async () => {
    await service.stop();
    await sandbox.close();
    rmSync(dataDir, { recursive: true });
  });

  /** No file of the service can be written beyond this size, whoever runs it: a full disk for its records. */
  function limitFiles(bytes: string): void {
    execFileSync('prlimit', ['--pid', String(service.pid), `--fsize=${bytes}:unlimited`]);
  }

  const send = (phoneNumber: string) => service.http.post('/otp/send').send({ phoneNumber });
  const verify = () => {
    const { pinId, otpCode } = sent;
    return service.http.post('/otp/verify').send({ pinId, otpCode });
  };

  it('send and verify answer 503 and when to ask again, and nobody is texted', async () => {
    const phoneNumber = newPhone();
    expectProblem(await send(phoneNumber), 503, 'storage_unavailable');
    expectProblem(await verify(), 503, 'storage_unavailable');
    expectProblem(await service.http.delete(`/otp/${sent.pinId}`), 503, 'storage_unavailable');

    expect(await sandbox.codesOf(phoneNumber)).toEqual([]);
    expect(service.output).toContain('The database failed.');
  });

  it('what only reads is answered', async () => {
    const { body } = await service.http.get(`/otp/${sent.pinId}`).expect(200);
    expect(body.status).toBe('pending');
    await service.http.get('/health/live').expect(200);
  });

  it('and it is whole again by itself', async () => {
    limitFiles('unlimited');

    await verify().expect(200, { verified: true });
    await send(newPhone()).expect(200);
  });
});
