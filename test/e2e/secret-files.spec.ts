import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { minutes } from '../../src/common/durations.js';
import { startSandbox, type Sandbox } from '../../src/sandbox/sandbox.js';
import { newApiKey } from '../support/api-key.js';
import { spawnProgram } from '../support/child-program.js';
import { runBuiltCommand } from '../support/cli.js';
import { startReplica, type Replica } from '../support/replica.js';
import { queryPostgres } from '../support/services/postgres-client.js';
import { startPostgres, type PostgresServer } from '../support/services/postgres.js';
import { startRedis, type RedisServer } from '../support/services/redis.js';

jest.setTimeout(minutes(1));

const PROVIDER_KEY = 'a-provider-key-that-must-not-be-shown';

describe('A service in production whose secrets are in files', () => {
  const shop = newApiKey('shop');
  let folder: string;
  let sandbox: Sandbox;
  let postgres: PostgresServer;
  let redis: RedisServer;
  let databaseUrl: string;
  let settings: NodeJS.ProcessEnv;
  let replica: Replica | undefined;

  /** Writes a secret to a file, as an orchestrator mounts it. */
  function write(name: string, content: string): string {
    const file = join(folder, name);
    writeFileSync(file, `${content}\n`, { mode: 0o400 });
    return file;
  }

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'otp-secret-files-'));
    [sandbox, postgres, redis] = await Promise.all([
      startSandbox({ port: 0 }),
      startPostgres(),
      startRedis(),
    ]);
    databaseUrl = await postgres.createDatabase();
    settings = {
      NODE_ENV: 'production',
      OTP_SECRET: '',
      OTP_SECRET_FILE: write('otp_secret', 'a master secret that only tests know of'),
      API_KEYS_FILE: write('api_keys', shop.entry),
      DATABASE_URL_FILE: write('database_url', databaseUrl),
      REDIS_URL_FILE: write('redis_url', redis.url),
      INFOBIP_API_KEY_FILE: write('infobip_api_key', PROVIDER_KEY),
      INFOBIP_BASE_URL: sandbox.url,
      INFOBIP_APP_ID: 'sandbox-application',
      INFOBIP_MESSAGE_ID: 'sandbox-message',
      SHUTDOWN_DELAY: '1ms',
    };
  });

  afterEach(async () => {
    await replica?.stop();
    replica = undefined;
  });

  afterAll(async () => {
    await Promise.all([sandbox.close(), postgres.stop(), redis.stop()]);
    rmSync(folder, { recursive: true });
  });

  it('starts, sends a message for a client of API_KEYS_FILE, and uses the database and Redis', async () => {
    replica = await startReplica(settings);

    await replica.http.post('/otp/send').send({ phoneNumber: '+14155552671' }).expect(401);
    await replica.http
      .post('/otp/send')
      .set('authorization', `Bearer ${shop.key}`)
      .send({ phoneNumber: '+14155552671' })
      .expect(200);

    const clients = await queryPostgres(databaseUrl, 'SELECT client FROM verifications');
    expect(clients).toBe('shop');
    await replica.http.get('/health/ready').expect(200);
    expect(replica.output).not.toContain(PROVIDER_KEY);
    expect(replica.output).not.toContain('is not a setting');
  });

  it('passes the doctor, which reads the same files', async () => {
    const { code, output } = await runBuiltCommand('doctor', { cwd: folder, settings });

    expect(output).not.toContain(PROVIDER_KEY);
    expect(output).not.toContain('cannot be used');
    expect(code).toBe(0);
  });

  it('can be set up by infobip:setup, which reads the same files', async () => {
    const options = { args: '--dry-run', cwd: folder, settings };
    const { code, output } = await runBuiltCommand('infobip:setup', options);

    expect(output).toContain('Dry run: nothing was changed.');
    expect(code).toBe(0);
  });

  it('does not start without one of them, and names its setting', async () => {
    const program = spawnProgram(`exec node ${resolve('.test-build/main.js')}`, folder, {
      ...settings,
      REDIS_URL_FILE: join(folder, 'missing'),
      INFOBIP_API_KEY_FILE: folder,
    });

    expect(await program.ended()).toBe(1);
    expect(program.output).toContain(
      'REDIS_URL_FILE must name a readable file: it does not exist (ENOENT)',
    );
    expect(program.output).toContain(
      'INFOBIP_API_KEY_FILE must name a readable file: it is a folder (EISDIR)',
    );
    expect(program.output).not.toContain('INFOBIP_API_KEY is required');
    expect(program.output).not.toContain(folder);
  });
});
