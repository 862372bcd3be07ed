import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { minutes } from '../../src/common/durations.js';
import { encryptionConfig } from '../../src/config/encryption.config.js';
import { startSandbox, type Sandbox } from '../../src/sandbox/sandbox.js';
import { testEnvironment } from '../support/config.js';
import { debianPostgresFolders, pathFolders } from '../support/services/binaries.js';
import { queryPostgres } from '../support/services/postgres-client.js';
import { startPostgres } from '../support/services/postgres.js';
import { FakeClock } from '../support/fake-clock.js';
import { spawnProgram } from '../support/child-program.js';
import { readCodes } from '../support/sandbox-calls.js';
import { startService, type RunningService } from '../support/service.js';

const PAGE = readFileSync('docs/operating.md', 'utf8');
const blocksOf = (language: string) =>
  [...PAGE.matchAll(new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``, 'g'))].map(
    ([, block = '']) => block,
  );
const COMMANDS = blocksOf('sh');
const [READY = '', NEW_SECRET = '', BACK_UP = '', RESTORE = '', DUMP = '', LOAD = ''] = COMMANDS;
const COMPOSE_COMMANDS = blocksOf('console');
/** The commands in the container of the database. The tests have no engine, and run them without one. */
const [COMPOSE_DUMP = '', COMPOSE_LOAD = ''] = COMPOSE_COMMANDS.map((block) =>
  block.replaceAll('docker compose exec -T postgres ', '').replace(/^docker compose .*$/gm, ''),
);

const [ALTER_ROLE = ''] = /(?<=`)ALTER ROLE otp [^`]+/.exec(PAGE) ?? [];

const NUMBER = '+14155552671';
const OTHER_NUMBER = '+14155552672';
const OLD = 'the master secret before the rotation';
const NEW = 'the master secret after the rotation';

jest.setTimeout(minutes(2));

describe('docs/operating.md', () => {
  let folder: string;
  let sandbox: Sandbox;
  let clock: FakeClock;
  let service: RunningService | undefined;

  beforeEach(async () => {
    // Inside the checkout, so that packages are found as in an installed service.
    mkdirSync('.test-build', { recursive: true });
    folder = mkdtempSync(resolve('.test-build', 'operating-'));
    clock = new FakeClock();
    sandbox = await startSandbox({ port: 0, now: () => clock.now() });
  });

  afterEach(async () => {
    await service?.close();
    service = undefined;
    await sandbox.close();
    rmSync(folder, { recursive: true });
  });

  /** Replaces the running service by one with the same data folder. */
  async function restart(settings: NodeJS.ProcessEnv = {}): Promise<RunningService> {
    await service?.close();
    const defaults = { DATA_DIR: join(folder, 'data'), INFOBIP_BASE_URL: sandbox.url };
    service = await startService({ ...defaults, ...settings }, clock);
    return service;
  }

  async function shell(script: string, variables: NodeJS.ProcessEnv = {}): Promise<string> {
    const PATH = [...debianPostgresFolders(), ...pathFolders()].join(':');
    const program = spawnProgram(script, folder, { PATH, ...variables });
    if ((await program.ended()) !== 0) throw new Error(program.output);
    return program.output;
  }

  /** Only the owner may read a backup. */
  const expectPrivate = (file: string): void => {
    expect(statSync(join(folder, file)).mode & 0o077).toBe(0);
  };

  async function send({ http }: RunningService, phoneNumber = NUMBER): Promise<string> {
    return (await http.post('/otp/send').send({ phoneNumber }).expect(200)).body.pinId;
  }

  async function codeOf(number = NUMBER): Promise<string> {
    return (await readCodes(sandbox.url, number))[0] ?? '';
  }

  async function verify({ http }: RunningService, pinId: string): Promise<object> {
    const otpCode = await codeOf();
    return (await http.post('/otp/verify').send({ pinId, otpCode })).body;
  }

  it('contains only blocks of commands that this test runs, and of settings', () => {
    expect(COMMANDS).toHaveLength(6);
    expect(COMPOSE_COMMANDS).toHaveLength(2);
    expect(PAGE.match(/```(?!ini\b)\w/g)).toHaveLength(8);
  });

  it('has a readiness check for a load balancer', async () => {
    const { url } = await restart();

    expect(JSON.parse(await shell(READY, { OTP_URL: url }))).toMatchObject({ status: 'ok' });
  });

  it('has a command that creates a new secret each time', async () => {
    const secrets = [await shell(NEW_SECRET), await shell(NEW_SECRET)].map((text) => text.trim());

    expect(new Set(secrets).size).toBe(2);
    const env = testEnvironment({ OTP_SECRET: secrets.join(',') });
    expect(encryptionConfig(env).secrets).toEqual(secrets);
  });

  it('describes a rotation of OTP_SECRET that loses nothing until the old secret is removed', async () => {
    const pinId = await send(await restart({ OTP_SECRET: OLD }));
    await restart({ OTP_SECRET: `${OLD},${NEW}` });
    const rotated = await restart({ OTP_SECRET: `${NEW},${OLD}` });
    expect(await verify(rotated, pinId)).toEqual({ verified: true });
    clock.advance(1);
    await send(rotated, OTHER_NUMBER);
    const before = await rotated.http.get(`/otp/${pinId}`).expect(200);

    const { http } = await restart({ OTP_SECRET: NEW });

    expect(before.body).toMatchObject({ status: 'verified' });
    await http.get(`/otp/${pinId}`).expect(410);
    const { body } = await http.post('/otp/numbers/lookup').send({ phoneNumber: NUMBER });
    // The verify under NEW,OLD rewrote the hash of the number with NEW.
    expect(body).toMatchObject({ verified: true });
  });

  it('describes that removing the old secret loses numbers that were not used with the new one first', async () => {
    const first = await restart({ OTP_SECRET: OLD });
    expect(await verify(first, await send(first))).toEqual({ verified: true });
    const isVerified = async ({ http }: RunningService) =>
      (await http.post('/otp/numbers/lookup').send({ phoneNumber: NUMBER })).body.verified;

    expect(await isVerified(await restart({ OTP_SECRET: `${OLD},${NEW}` }))).toBe(true);
    clock.advance(1);
    await send(await restart({ OTP_SECRET: `${NEW},${OLD}` }), OTHER_NUMBER);
    const withoutOld = await restart({ OTP_SECRET: NEW });

    expect(await isVerified(withoutOld)).toBe(false);
    // The cooldown is lost too.
    await send(withoutOld);
  });

  it('has a backup command that fails without a database, and overwrites no backup', async () => {
    await expect(shell(BACK_UP)).rejects.toThrow(/data\/otp\.db.*No such file/);
    await restart();
    await shell(BACK_UP);

    await expect(shell(BACK_UP)).rejects.toThrow(/exists/);
  });

  it('has a restore command that keeps the database if there is no backup', async () => {
    await restart();

    await expect(shell(RESTORE)).rejects.toThrow(/otp-backup\.db.*No such file/);

    expect(existsSync(join(folder, 'data', 'otp.db'))).toBe(true);
  });

  it('has commands for another data folder, whose owner then owns the restored file', async () => {
    const DATA_DIR = join(folder, 'state');
    await (await restart({ DATA_DIR })).close();
    service = undefined;
    // Under systemd, the folder belongs to the user of the service, and root restores the file.
    if (process.getuid?.() === 0) chownSync(DATA_DIR, 1000, 1000);
    await shell(BACK_UP, { DATA_DIR });
    rmSync(join(DATA_DIR, 'otp.db'));

    await shell(RESTORE, { DATA_DIR });

    const { uid, gid } = statSync(DATA_DIR);
    expect(statSync(join(DATA_DIR, 'otp.db'))).toMatchObject({ uid, gid });
  });

  it('has commands that back up a SQLite file in use, and restore it', async () => {
    const running = await restart();
    const pinId = await send(running);
    await shell(BACK_UP);
    expect(await verify(running, pinId)).toEqual({ verified: true });
    const later = await send(running, '+14155552672');
    await service?.close();
    service = undefined;
    await shell(RESTORE);

    const restored = await restart();

    expect((await restored.http.get(`/otp/${pinId}`)).body).toMatchObject({ status: 'pending' });
    await restored.http.get(`/otp/${later}`).expect(404);
    // The cooldown of the later send is lost too.
    await send(restored, '+14155552672');
    // The provider knows that the code was used, and the service asks it.
    expect(await verify(restored, pinId)).toEqual({ verified: false, reason: 'already_verified' });
    expect((await restored.http.get(`/otp/${pinId}`)).body).toMatchObject({ status: 'verified' });
  });

  it('has commands that dump a PostgreSQL database in use, and load it into another', async () => {
    const postgres = await startPostgres({ dedicated: true });
    const [DATABASE_URL, other] = [
      await postgres.createDatabase(),
      await postgres.createDatabase(),
    ];
    // Installs psql and pg_dump if they are missing.
    await queryPostgres(DATABASE_URL, 'select 1');
    const pinId = await send(await restart({ DATABASE_URL }));
    await shell(DUMP, { DATABASE_URL });
    expectPrivate('otp.dump');
    await shell(LOAD, { DATABASE_URL: other });

    const restored = await restart({ DATABASE_URL: other });

    await restored.http.post('/otp/send').send({ phoneNumber: NUMBER }).expect(429);
    expect(await verify(restored, pinId)).toEqual({ verified: true });
    await restored.close();
    service = undefined;
    await postgres.stop();
  });

  it('has commands that dump the database of compose.yaml, and replace its contents', async () => {
    const postgres = await startPostgres({ dedicated: true });
    // As in deploy/compose/create-role.sh.
    await queryPostgres(
      postgres.url,
      'CREATE ROLE otp LOGIN',
      'CREATE DATABASE otp OWNER otp',
      'REVOKE ALL ON DATABASE otp FROM PUBLIC',
    );
    const url = new URL(postgres.url);
    url.username = 'otp';
    url.pathname = '/otp';
    const DATABASE_URL = url.href;
    const container = { PGHOST: url.hostname, PGPORT: url.port };
    const running = await restart({ DATABASE_URL });
    const pinId = await send(running);
    await shell(COMPOSE_DUMP, container);
    expectPrivate('otp.dump');
    const later = await send(running, '+14155552672');
    await running.close();
    service = undefined;
    await shell(`set -e\n${COMPOSE_LOAD}`, container);

    const restored = await restart({ DATABASE_URL });

    expect(await verify(restored, pinId)).toEqual({ verified: true });
    await restored.http.get(`/otp/${later}`).expect(404);
    await restored.close();
    service = undefined;
    await postgres.stop();
  });

  it('has a statement that puts the tables into the schema of a role', async () => {
    const postgres = await startPostgres({ dedicated: true });
    const url = new URL(await postgres.createDatabase());
    await queryPostgres(
      url.href,
      'CREATE ROLE otp LOGIN',
      'CREATE SCHEMA otp AUTHORIZATION otp',
      ALTER_ROLE,
    );
    url.username = 'otp';

    await send(await restart({ DATABASE_URL: url.href }));

    const tables = "SELECT schemaname FROM pg_tables WHERE tablename = 'verifications'";
    expect(await queryPostgres(url.href, tables)).toBe('otp');
    await service?.close();
    service = undefined;
    await postgres.stop();
  });
});
