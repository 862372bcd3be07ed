import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { parseAllDocuments } from 'yaml';
import { minutes } from '../../src/common/durations.js';
import { parseEnvironment } from '../../src/config/environment.js';
import { startSandbox, type Sandbox } from '../../src/sandbox/sandbox.js';
import { newApiKey } from '../support/api-key.js';
import { spawnProgram } from '../support/child-program.js';
import { PRODUCTION_SETTINGS } from '../support/production-settings.js';
import { readCodes } from '../support/sandbox-calls.js';
import { startService, type RunningService } from '../support/service.js';
import { debianPostgresFolders, findBinary, pathFolders } from '../support/services/binaries.js';
import { findOrInstall } from '../support/services/find-or-install.js';
import { hasKubectl } from '../support/services/kubectl.js';
import { queryPostgres } from '../support/services/postgres-client.js';
import { startPostgres, type PostgresServer } from '../support/services/postgres.js';

const PAGE = readFileSync('docs/deploying.md', 'utf8');
const blocksOf = (language: string) =>
  [...PAGE.matchAll(new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``, 'g'))].map(([, block = '']) =>
    block.replace(/^ +/gm, '').trim(),
  );
const COMMANDS = blocksOf('sh');
const [SECRETS = '', ROLE = '', COPY = '', LOOK = '', COMPOSE = '', SWITCH = ''] = COMMANDS;
const [SEND = '', VERIFY = ''] = COMMANDS.slice(6);
/** Programs that no test has: they need an engine, a cluster or a machine of their own. */
const NEEDS_MORE = /^(docker|kubectl|systemctl|systemd-run|git clone|npm ci|install) /;

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Record<string, string>;
}

const NUMBER = '+14155552671';
const OVERLAY = 'deploy/kubernetes/overlays/production';

jest.setTimeout(minutes(2));

/** No Debian package of kubectl is new enough, so these tests run where another one is installed. */
const itWithKubectl = hasKubectl() ? it : it.skip;

describe('docs/deploying.md', () => {
  let folder: string;
  let sandbox: Sandbox | undefined;
  let service: RunningService | undefined;
  let postgres: PostgresServer | undefined;

  beforeEach(() => {
    mkdirSync('.test-build', { recursive: true });
    folder = mkdtempSync(resolve('.test-build', 'deploying-'));
    for (const path of ['deploy', '.env.example', 'package.json']) {
      cpSync(path, join(folder, path), { recursive: true });
    }
  });

  afterEach(async () => {
    await service?.close();
    await sandbox?.close();
    await postgres?.stop();
    service = sandbox = postgres = undefined;
    rmSync(folder, { recursive: true });
  });

  async function shell(script: string, variables: NodeJS.ProcessEnv = {}): Promise<string> {
    const PATH = [...debianPostgresFolders(), ...pathFolders()].join(':');
    // kubectl must not find a cluster.
    const environment = { PATH, KUBECONFIG: '/dev/null', ...variables };
    const program = spawnProgram(`set -e\n${script}`, folder, environment);
    if ((await program.ended()) !== 0) throw new Error(program.output);
    return program.output;
  }

  it('contains only commands that this test runs, or that need a machine of their own', () => {
    expect(COMMANDS).toHaveLength(8);
    expect(PAGE.match(/```\w/g)).toHaveLength(
      COMMANDS.length + blocksOf('console').length + blocksOf('yaml').length,
    );
    const lines = blocksOf('console').flatMap((block) => block.split('\n'));
    expect(lines.filter((line) => !NEEDS_MORE.test(line))).toEqual([]);
  });

  it('names files that exist', () => {
    const paths = PAGE.match(/(?<!exec.*)\bdeploy\/[\w/.-]*\w/g);

    expect(paths?.filter((path) => !existsSync(path))).toEqual([]);
  });

  it('has commands that make a secret, and a key whose entry production accepts', async () => {
    symlinkSync(resolve('.test-build'), join(folder, 'dist'));
    symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
    const output = await shell(SECRETS);
    const [OTP_SECRET] = output.split('\n');
    const [, API_KEYS] = /^Entry, for API_KEYS: +(shop:\S+)$/m.exec(output) ?? [];

    expect(API_KEYS).toBeDefined();
    expect(() => parseEnvironment({ ...PRODUCTION_SETTINGS, OTP_SECRET, API_KEYS })).not.toThrow();
  });

  it('has commands that make a database role, and send and verify the first code on it', async () => {
    postgres = await startPostgres({ dedicated: true });
    // Installs psql if it is missing.
    await queryPostgres(postgres.url, 'select 1');
    await shell(ROLE, { ADMIN_URL: postgres.url, PASSWORD: "it's a password" });
    const DATABASE_URL = postgres.url.replace('postgres@', 'otp@').replace(/postgres$/, 'otp');
    sandbox = await startSandbox({ port: 0 });
    const { key, entry } = newApiKey('shop');
    service = await startService({ API_KEYS: entry, DATABASE_URL, INFOBIP_BASE_URL: sandbox.url });
    const client = { OTP_URL: service.url, OTP_API_KEY: key, YOUR_NUMBER: NUMBER };

    const sent = await shell(SEND, client);

    expect(sent).toContain('"status":"ok"');
    const [, PIN_ID] = /"pinId":"([^"]+)"/.exec(sent) ?? [];
    const [CODE] = await readCodes(sandbox.url, NUMBER);
    expect(await shell(VERIFY, { ...client, PIN_ID, CODE })).toBe('{"verified":true}');
    expect(
      await queryPostgres(DATABASE_URL, "select usesuper from pg_user where usename = 'otp'"),
    ).toBe('f');
  });

  itWithKubectl(
    'has commands that show the Secret and all manifests, with settings that production accepts',
    async () => {
      await shell(COPY);
      const secret = join(folder, 'secret.env');
      const filledIn = readFileSync(secret, 'utf8')
        .replace(/^OTP_SECRET=$/m, `OTP_SECRET=${PRODUCTION_SETTINGS.OTP_SECRET}`)
        .replace(/^API_KEYS=$/m, `API_KEYS=${PRODUCTION_SETTINGS.API_KEYS}`)
        .replace(/^INFOBIP_API_KEY=$/m, 'INFOBIP_API_KEY=key');
      writeFileSync(secret, filledIn);

      const output = await shell(LOOK.replace('\n', '\necho ---\n'));

      const objects = parseAllDocuments(output).map((document) => document.toJSON() as Manifest);
      expect(objects.map(({ kind }) => kind).sort()).toEqual([
        ...['ConfigMap', 'Deployment', 'HorizontalPodAutoscaler', 'NetworkPolicy'],
        ...['PodDisruptionBudget', 'Secret', 'Service', 'Service', 'ServiceMonitor'],
      ]);
      const find = (kind: string) => objects.find((object) => object.kind === kind);
      const secrets = Object.entries(find('Secret')?.data ?? {}).map(([name, value]) => [
        name,
        Buffer.from(value, 'base64').toString(),
      ]);
      const env = parseEnvironment({
        ...find('ConfigMap')?.data,
        ...(Object.fromEntries(secrets) as Record<string, string>),
      });
      expect(env.warnings).toEqual([]);
      // The autoscaler sets the number of replicas.
      const deployment = JSON.stringify(find('Deployment'));
      expect(deployment).not.toContain('"replicas"');
      expect(deployment).toContain(
        `"configMapRef":{"name":"${find('ConfigMap')?.metadata.name ?? ''}"}`,
      );
    },
  );

  // `kubectl apply` would keep the settings that were removed from the file.
  it('has a command that replaces the Secret', () => {
    const lines = blocksOf('console').flatMap((block) => block.split('\n'));

    expect(lines.filter((line) => /create secret .*--dry-run/.test(line))).toEqual([
      expect.stringMatching(/ \| kubectl replace -f -$/),
    ]);
  });

  itWithKubectl('has an overlay that works without the components', async () => {
    const file = join(folder, OVERLAY, 'kustomization.yaml');
    writeFileSync(
      file,
      readFileSync(file, 'utf8').replace(/^(components:|.*components\/.*)$/gm, ''),
    );

    const output = await shell(`kubectl kustomize ${OVERLAY}`);

    expect(output).toContain('replicas: 2');
    expect(output).not.toContain('ServiceMonitor');
  });

  it('has commands that complete .env for compose.yaml, without a setting that is unknown', async () => {
    await shell(COMPOSE);
    const variables = parseEnv(readFileSync(join(folder, '.env'), 'utf8'));

    expect(variables).toEqual({
      POSTGRES_PASSWORD: expect.stringMatching(/^\w{48}$/),
      REDIS_PASSWORD: expect.stringMatching(/^\w{48}$/),
    });
    expect(parseEnvironment({ ...PRODUCTION_SETTINGS, ...variables }).warnings).toEqual([]);
  });

  it('has commands that switch a systemd installation to another release and back', async () => {
    const [unit, systemd] = ['deploy/systemd/otp-service.service', 'etc/systemd/system'];
    for (const release of ['0.1.0', '0.2.0']) {
      const file = join(folder, `opt/otp-service-${release}`, unit);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, `unit of ${release}`);
    }
    for (const path of [systemd, 'bin']) mkdirSync(join(folder, path), { recursive: true });
    // In place of the program, which needs a machine of its own. A service starts in the link's folder.
    const systemctl = '#!/bin/sh\nset -e\ntest "$1" != restart || readlink opt/otp-service\n';
    writeFileSync(join(folder, 'bin/systemctl'), systemctl, { mode: 0o700 });
    const switchTo = async (release: string) => {
      const script = SWITCH.replaceAll(/ \/(opt|etc)\//g, ` ${folder}/$1/`);
      const started = await shell(`PATH=${folder}/bin:$PATH\n${script.replace('0.1.0', release)}`);
      const installed = readFileSync(join(folder, systemd, 'otp-service.service'), 'utf8');
      return [started.trim(), installed];
    };

    for (const release of ['0.1.0', '0.2.0', '0.1.0']) {
      const expected = [`${folder}/opt/otp-service-${release}`, `unit of ${release}`];
      expect(await switchTo(release)).toEqual(expected);
    }
    const workingDirectory = /^WorkingDirectory=(.*)$/m.exec(readFileSync(unit, 'utf8'))?.[1];
    expect(SWITCH.split('\n')[0]?.endsWith(` ${String(workingDirectory)}`)).toBe(true);
  });

  it('has a unit that systemd accepts', async () => {
    const analyze = await findOrInstall({
      title: 'systemd-analyze',
      find: () => findBinary(['systemd-analyze']),
      debianPackage: 'systemd',
    });
    const file = 'deploy/systemd/otp-service.service';
    const unit = readFileSync(file, 'utf8').replace('/usr/bin/node', process.execPath);
    writeFileSync(join(folder, file), unit);

    expect(await shell(`${analyze} verify ${file}`)).toBe('');
  });
});
