import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { subset } from 'semver';
import ts from 'typescript';
import { minutes } from '../../src/common/durations.js';
import { spawnProgram } from '../support/child-program.js';
import { testWithInfobipSdk } from '../support/official-clients/infobip-sdk.js';
import { testWithSinchSdk } from '../support/official-clients/sinch-sdk.js';
import {
  installSandboxPackage,
  startPackagedSandbox,
  type PackagedSandbox,
  type SandboxPackage,
} from '../support/sandbox-package.js';
import { freePort } from '../support/services/ports.js';

/** The part of a package.json that this spec reads. */
interface Manifest {
  readonly engines: { readonly node: string };
}

const MAX_BYTES = 15 * 1024 * 1024;
const STARTS = 5;
const README = readFileSync('src/sandbox/README.md', 'utf8');

jest.setTimeout(minutes(2));

/** The blocks of the README in one language. */
const findBlocks = (language: string): string[] =>
  [...README.matchAll(new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``, 'g'))].map(
    ([, block = '']) => block,
  );

let sandboxPackage: SandboxPackage;

beforeAll(async () => {
  sandboxPackage = await installSandboxPackage();
}, minutes(3));

afterAll(() => {
  sandboxPackage.delete();
});

describe('The package infobip-sandbox', () => {
  const readPackage = (file: string) => readFileSync(join(sandboxPackage.root, file), 'utf8');
  const runProgram = async (args: string) => {
    const program = spawnProgram(`npx infobip-sandbox ${args}`, sandboxPackage.folder);
    return { code: await program.ended(), output: program.output };
  };

  it('installs without a network, a warning or another package', () => {
    const installed = readdirSync(join(sandboxPackage.folder, 'node_modules'));

    expect(installed.filter((name) => !name.startsWith('.'))).toEqual(['infobip-sandbox']);
    expect(sandboxPackage.installOutput).toMatch(/^\s*added 1 package in \S+\s*$/);
  });

  it('takes less than 15 MB', () => {
    const files = readdirSync(sandboxPackage.root, { recursive: true, encoding: 'utf8' });
    const bytes = files.reduce(
      (sum, file) => sum + statSync(join(sandboxPackage.root, file)).size,
      0,
    );

    expect(bytes).toBeLessThan(MAX_BYTES);
  });

  // It installs no other package, so it can run on more versions than the tools that build the service.
  it('supports at least the Node versions of the service', () => {
    const service = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;
    const { engines } = JSON.parse(readPackage('package.json')) as Manifest;

    expect(subset(service.engines.node, engines.node)).toBe(true);
    expect(engines.node).toBe('>=20.19');
    expect(README).toContain('Node 20.19 or later');
  });

  it('contains its licence and those of the packages in its files', () => {
    expect(readPackage('LICENSE')).toBe(readFileSync('LICENSE', 'utf8'));
    const licenses = readPackage('THIRD-PARTY-LICENSES.txt');
    for (const name of ['fastify', 'joi', 'libphonenumber-js', '@hapi/hoek'])
      expect(licenses).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\(`, 'm'));
  });

  it('contains the reference of the sandbox', () => {
    expect(readPackage('REFERENCE.md')).toBe(readFileSync('docs/sandbox.md', 'utf8'));
  });

  it('prints its version and its settings', async () => {
    const { version } = JSON.parse(readPackage('package.json'));

    expect(await runProgram('--version')).toEqual({ code: 0, output: `${version}\n` });
    const help = await runProgram('--help');
    expect(help.code).toBe(0);
    for (const [, setting = ''] of README.matchAll(/^\| `(SANDBOX_\w+)`/gm))
      expect(help.output).toContain(setting);
  });

  it('rejects other arguments, and says where the settings are', async () => {
    expect(await runProgram('--port 4000')).toEqual({
      code: 1,
      output:
        'The sandbox cannot start: unknown arguments: --port 4000. ' +
        'Settings are environment variables; --help lists them.\n',
    });
  });

  it('can be imported by a test, with types', async () => {
    const file = join(sandboxPackage.folder, 'test.mts');
    writeFileSync(
      file,
      `import { startSandbox, type Sandbox } from 'infobip-sandbox';
       const sandbox: Sandbox = await startSandbox({ port: 0, apiKey: 'the-key' });
       const url: string = sandbox.url;
       await sandbox.close();
       // @ts-expect-error The port is required.
       await startSandbox({});`,
    );
    const program = ts.createProgram([file], {
      module: ts.ModuleKind.NodeNext,
      target: ts.ScriptTarget.ES2023,
      strict: true,
      noEmit: true,
      types: [],
    });
    expect(ts.getPreEmitDiagnostics(program).map(({ messageText }) => messageText)).toEqual([]);

    const script = `import { startSandbox } from 'infobip-sandbox';
      const { url, close } = await startSandbox({ port: 0 });
      console.log((await fetch(url + '/sandbox/messages')).status);
      await close();`;
    const run = spawnProgram(`exec node --input-type=module -e "${script}"`, sandboxPackage.folder);
    expect(await run.ended()).toBe(0);
    expect(run.output).toBe('200\n');
  });
});

describe('The packaged program', () => {
  it('verifies a code with both providers by the commands of its README', async () => {
    const port = String(await freePort());
    const [start = '', ...commands] = findBlocks('sh').map((block) =>
      block.replaceAll('3999', port),
    );
    const sandbox = spawnProgram(start, sandboxPackage.folder, { SANDBOX_PORT: port });
    await sandbox.printed(/is running at/);

    const client = spawnProgram(
      ['set -e -o pipefail', ...commands].join('\n'),
      sandboxPackage.folder,
    );

    expect(await client.ended()).toBe(0);
    expect(client.output).toContain('"verified":true');
    expect(client.output).toContain('"status":"SUCCESSFUL"');
    expect(client.output).toContain('{"operation":"verify","kind":"unavailable","times":2}');
    expect(await (await fetch(`http://127.0.0.1:${port}/sandbox/faults`)).json()).toEqual([]);
    await sandbox.stop();
  });

  it('starts in the background by the step for GitHub Actions', async () => {
    const port = String(await freePort());
    const [yaml = ''] = findBlocks('yaml');
    const step = yaml.replace('- run: |', '').replaceAll('3999', port);

    const job = spawnProgram(step, sandboxPackage.folder, { SANDBOX_PORT: port });

    await job.printed(/\{"now":"[^"]+"\}/);
    await job.stop();
  });

  it('runs on Node 24', async () => {
    const program = join(sandboxPackage.root, 'main.js');
    const command = `exec npx -y -p node@24 -c 'node -v; node ${program}'`;
    const sandbox = await startPackagedSandbox(sandboxPackage, { command });

    expect(sandbox.program.output).toMatch(/^v24\./);
    expect(await sandbox.listMessages()).toEqual([]);
    await sandbox.close();
  });

  it('starts within fifteen times the start of a bare Node server', async () => {
    const script = `require('http').createServer((_, response) => response.end())
      .listen(process.env.SANDBOX_PORT, '127.0.0.1', () => console.log('is running at'))`;
    const times: Record<'bare' | 'sandbox', number[]> = { bare: [], sandbox: [] };
    for (let round = 0; round < STARTS; round += 1) {
      times.bare.push(await measureStart({ command: `exec node -e "${script}"` }));
      times.sandbox.push(await measureStart());
    }
    const [fastestBare, fastestSandbox] = [Math.min(...times.bare), Math.min(...times.sandbox)];
    process.stdout.write(
      `First answer: ${fastestSandbox.toFixed()} ms; a bare Node server: ${fastestBare.toFixed()} ms\n`,
    );

    // On a quiet machine a bare server starts in 50 to 65 ms, so this is less than a second.
    expect(fastestSandbox / fastestBare).toBeLessThan(15);
  });

  /** From the start of the process to its first answer, in milliseconds. */
  async function measureStart(options: { command?: string } = {}): Promise<number> {
    const startedAt = performance.now();
    const sandbox = await startPackagedSandbox(sandboxPackage, options);
    await (await fetch(`${sandbox.url}/sandbox/messages`)).text();
    const time = performance.now() - startedAt;
    await sandbox.close();
    return time;
  }
});

const start = (options: { apiKey?: string } = {}): Promise<PackagedSandbox> =>
  startPackagedSandbox(sandboxPackage, options);

describe("Infobip's official SDK against the packaged program", () => {
  testWithInfobipSdk(start);
});

describe("Sinch's official SDK against the packaged program", () => {
  testWithSinchSdk(() => start());
});
