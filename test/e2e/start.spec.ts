import { once } from 'node:events';
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { newApiKey } from '../support/api-key.js';
import { freePort } from '../support/services/ports.js';
import { toModuleUrl } from '../support/module-url.js';
import { spawnProgram, type ChildProgram } from '../support/child-program.js';
import { startReplica } from '../support/replica.js';

/** Prints `loading` when the module of the application is imported, and then never loads it. */
const STOP_LOADING = toModuleUrl(`
  import { register } from 'node:module';
  register('data:text/javascript,' + encodeURIComponent(\`
    export const load = (url, context, next) => {
      if (!url.endsWith('/app.module.js')) return next(url, context);
      console.log('loading');
      return new Promise(() => undefined);
    };
  \`));
`);

/** Sends SIGINT to the process when its server begins to listen, and lets it listen only afterwards. */
const SIGNAL_BEFORE_LISTENING = toModuleUrl(`
  import { Server } from 'node:net';
  const { listen } = Server.prototype;
  Server.prototype.listen = function (...args) {
    process.once('SIGINT', () => setTimeout(() => listen.apply(this, args), 100));
    process.kill(process.pid, 'SIGINT');
    return this;
  };
`);

/** A host that does not exist, with an API key: all hosts but loopback ones need one. */
const UNKNOWN_HOST = { HOST: 'nonexistent.invalid', API_KEYS: newApiKey('shop').entry };

describe('The start of the service', () => {
  let folder: string;
  let program: ChildProgram | undefined;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'otp-start-'));
  });

  afterEach(async () => {
    await program?.stop();
    rmSync(folder, { recursive: true });
  });

  async function start(settings: NodeJS.ProcessEnv): Promise<ChildProgram> {
    program = spawnProgram(`exec node ${resolve('.test-build/main.js')}`, folder, {
      PORT: String(await freePort()),
      DATA_DIR: folder,
      INFOBIP_BASE_URL: 'http://127.0.0.1:9',
      ...settings,
    });
    return program;
  }

  // This test fails without `await import` in main.ts. As PID 1 of a container, the process would then
  // ignore signals, because the kernel drops those that PID 1 has no handler for.
  it('ends on a signal while its files are loaded', async () => {
    const starting = await start({ NODE_OPTIONS: `--import ${STOP_LOADING}` });
    await starting.printed(/loading/);

    await starting.stop();

    expect(await starting.ended()).toBe(143);
  });

  it('ends on a signal while it waits for the database', async () => {
    const silentServer = createServer().listen(0, '127.0.0.1');
    await once(silentServer, 'listening');
    const { port } = silentServer.address() as AddressInfo;
    const connected = once(silentServer, 'connection') as Promise<[Socket]>;
    const starting = await start({ DATABASE_URL: `postgres://127.0.0.1:${String(port)}/otp` });
    const [connection] = await connected;

    await starting.stop();

    expect(await starting.ended()).toBe(143);
    connection.destroy();
    silentServer.close();
  });

  // This test fails without `listening` in shutdown.ts.
  it('listens before it stops on a signal that comes just before it listens', async () => {
    const starting = await start({ NODE_OPTIONS: `--import ${SIGNAL_BEFORE_LISTENING}` });

    expect(await starting.ended()).toBe(0);
    expect(starting.output).toMatch(/"stopping"[^]*Server listening[^]*"stopped"/);
  });

  it('warns about a variable whose name resembles a setting, in the environment and in .env', async () => {
    writeFileSync(join(folder, '.env'), 'ALLOWED_COUNTRY=DE\n');
    const starting = await start({ OTP_TLL: '2m', ...UNKNOWN_HOST });
    await starting.ended();

    const warnings = starting.output.split('\n').filter((line) => line.includes('did you mean'));
    expect(warnings.map((line) => JSON.parse(line) as object)).toEqual([
      expect.objectContaining({
        level: 'warn',
        msg: 'ALLOWED_COUNTRY is not a setting: did you mean ALLOWED_COUNTRIES?',
      }),
      expect.objectContaining({
        level: 'warn',
        msg: 'OTP_TLL is not a setting: did you mean OTP_TTL?',
      }),
    ]);
  });

  // Importing @nestjs/swagger takes 130 ms and 15 MB: see src/openapi/swagger.ts.
  it('loads @nestjs/swagger only when the API document is requested', async () => {
    /** The scripts that a replica loads until it has answered these paths. */
    const scriptsFor = async (...paths: string[]): Promise<string> => {
      const coverage = mkdtempSync(join(folder, 'coverage-'));
      const replica = await startReplica({
        DATA_DIR: folder,
        SANDBOX_PORT: String(await freePort()),
        NODE_V8_COVERAGE: coverage,
      });
      for (const path of paths) await replica.http.get(path).expect(200);
      await replica.stop();
      const files = readdirSync(coverage).map((file) => readFileSync(join(coverage, file), 'utf8'));
      return files.join('\n');
    };

    expect(await scriptsFor('/health/ready', '/docs')).not.toContain('/@nestjs/swagger/dist/');
    expect(await scriptsFor('/docs-json')).toContain('/@nestjs/swagger/dist/');
  });

  describe('on a port that is in use', () => {
    let otherServer: Server;
    let port: string;

    beforeEach(async () => {
      otherServer = createServer().listen(0, '127.0.0.1');
      await once(otherServer, 'listening');
      port = String((otherServer.address() as AddressInfo).port);
    });

    afterEach(() => otherServer.close());

    it.each(['PORT', 'METRICS_PORT'])('fails and asks for another %s', async (name) => {
      const starting = await start({ [name]: port });

      expect(await starting.ended()).toBe(1);
      expect(starting.output).toContain(`on 127.0.0.1, port ${port}: listen EADDRINUSE`);
      expect(starting.output).toContain(`Set ${name} to a free one`);
    });
  });

  it('fails without API keys if other machines can reach HOST', async () => {
    const starting = await start({ HOST: '0.0.0.0' });

    expect(await starting.ended()).toBe(1);
    expect(starting.output).toContain(
      'API_KEYS is required, because other machines can reach HOST',
    );
    expect(starting.output).not.toContain('Server listening');
  });

  it('succeeds without API keys if ALLOW_UNAUTHENTICATED is true, with a warning', async () => {
    const starting = await start({ HOST: '0.0.0.0', ALLOW_UNAUTHENTICATED: 'true' });

    await starting.printed(/Server listening/);
    expect(starting.output).toContain('"level":"warn"');
    expect(starting.output).toContain('ALLOW_UNAUTHENTICATED is true and API_KEYS is not set');
  });

  it('fails if the file with the generated secret is empty', async () => {
    writeFileSync(join(folder, 'otp-secret'), '');
    const starting = await start({});

    expect(await starting.ended()).toBe(1);
    expect(starting.output).toContain('DATA_DIR has a file otp-secret that is empty');
  });

  it.each([
    [
      'a setting is invalid',
      () => ({ OTP_TTL: '1h' }),
      'The settings cannot be used:\n  - OTP_TTL ',
    ],
    [
      'CLIENTS_FILE cannot be used',
      () => {
        const file = join(folder, 'clients.yaml');
        writeFileSync(file, stringify({ clients: { shop: {} } }));
        return { CLIENTS_FILE: file };
      },
      'The file CLIENTS_FILE cannot be used:\n  - clients.shop.keys ',
    ],
    [
      'PostgreSQL does not run',
      () => ({ DATABASE_URL: 'postgres://otp:a-password@127.0.0.1:9/otp' }),
      'The database of DATABASE_URL cannot be used: connect ECONNREFUSED 127.0.0.1:9. Check ',
    ],
    [
      'the SQLite file is no database',
      () => {
        writeFileSync(join(folder, 'otp.db'), 'not a database', { mode: 0o600 });
        return {};
      },
      'The database of DATA_DIR cannot be used: file is not a database.',
    ],
  ])(
    'fails if %s, with the reason once on standard error and once in the log',
    async (_case, prepare, reason) => {
      const starting = await start(prepare());

      expect(await starting.ended()).toBe(1);
      const lines = starting.output.trimEnd().split('\n');
      const log = lines
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line) as object);
      const text = lines.filter((line) => !line.startsWith('{')).join('\n');
      expect(text.slice(0, reason.length)).toBe(reason);
      expect(log).toEqual([{ level: 'fatal', time: expect.any(String) as string, msg: text }]);
      expect(starting.output).not.toContain('a-password');
    },
  );

  it.each([
    ['a file', 'file', 'EEXIST', {}],
    ['a path in a file', 'file/data', 'ENOTDIR', { OTP_SECRET: 'x'.repeat(32) }],
    ['a link to a missing path', 'link', 'ENOENT', {}],
  ])('fails and names DATA_DIR if it is %s', async (_what, dataDir, code, settings) => {
    writeFileSync(join(folder, 'file'), '');
    symlinkSync(join(folder, 'missing'), join(folder, 'link'));
    const starting = await start({ DATA_DIR: dataDir, ...settings });

    expect(await starting.ended()).toBe(1);
    expect(starting.output).toContain(
      `DATA_DIR (${dataDir}) cannot be used as a directory (${code}): ` +
        "name a directory that the service's user may write.",
    );
  });

  it('fails and asks for another HOST if HOST is no address of the machine', async () => {
    const starting = await start(UNKNOWN_HOST);

    expect(await starting.ended()).toBe(1);
    expect(starting.output).toContain('HOST to an address of this machine');
  });
});
