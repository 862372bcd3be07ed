import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import ts from 'typescript';
import { minutes } from '../../src/common/durations.js';
import { newApiKey } from '../support/api-key.js';
import { spawnProgram } from '../support/child-program.js';
import { startSandboxedService, type SandboxedService } from '../support/service.js';

const GUIDE = readFileSync('docs/integrating.md', 'utf8');
const blocksIn = (language: string) =>
  [...GUIDE.matchAll(new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``, 'g'))].map(
    ([, block = '']) => block,
  );
const [SEND = '', VERIFY = '', INSTALL = ''] = blocksIn('sh');
const [PROGRAM = ''] = blocksIn('ts');

const NUMBER = '+14155552671';
const shop = newApiKey('shop');

jest.setTimeout(minutes(3));

describe('docs/integrating.md', () => {
  let folder: string;
  let service: SandboxedService;
  let installation: [exitCode: number | null, output: string];
  let diagnostics: ts.Diagnostic[];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'otp-guide-'));
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    service = await startSandboxedService({ API_KEYS: shop.entry });
    const install = spawnProgram(INSTALL, '.', { PROJECT: folder });
    installation = [await install.ended(), install.output];
    writeFileSync(join(folder, 'otp.ts'), PROGRAM);
    diagnostics = compile(join(folder, 'otp.ts'));
  });

  afterAll(async () => {
    await service.close();
    rmSync(folder, { recursive: true });
  });

  async function runScript(script: string, variables: NodeJS.ProcessEnv = {}): Promise<string> {
    const program = spawnProgram(script, folder, {
      OTP_URL: service.url,
      OTP_API_KEY: shop.key,
      ...variables,
    });
    await program.ended();
    return program.output;
  }

  /** Compiles with strict options, and writes the output beside the source. */
  function compile(path: string): ts.Diagnostic[] {
    const program = ts.createProgram([path], {
      strict: true,
      exactOptionalPropertyTypes: true,
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.NodeNext,
      types: ['node'],
      typeRoots: [resolve('node_modules/@types')],
      skipLibCheck: true,
    });
    return [...ts.getPreEmitDiagnostics(program), ...program.emit().diagnostics];
  }

  it('contains only code blocks that this test runs', () => {
    expect(blocksIn('sh')).toHaveLength(3);
    expect(blocksIn('ts')).toHaveLength(1);
    expect(GUIDE.match(/```\w/g)).toHaveLength(4);
  });

  it('has curl commands that verify a code, and can be repeated', async () => {
    const { pinId: PIN_ID } = JSON.parse(await runScript(SEND)) as { pinId: string };
    const [CODE] = await service.getReceivedCodes(NUMBER);

    expect(JSON.parse(await runScript(SEND))).toMatchObject({ pinId: PIN_ID });
    expect(await service.getReceivedCodes(NUMBER)).toHaveLength(1);
    expect(await runScript(VERIFY, { PIN_ID, CODE })).toBe('{"verified":true}');
    expect(await runScript(VERIFY, { PIN_ID, CODE })).toBe('{"verified":true}');
  });

  it('has commands that install the client, and a program that compiles with it', () => {
    expect(installation).toEqual([0, expect.stringContaining('otp-service-client-0.1.0.tgz')]);
    expect(diagnostics.map(({ messageText }) => messageText)).toEqual([]);
  });

  it('has a program that sends, resends and verifies, and says how long to wait', async () => {
    const number = '+14155552672';
    const runStep = async (script: string): Promise<string> => {
      const program = `const { sendCode, sendAgain, checkCode, getWaitSeconds } = await import('./otp.js');\n${script}`;
      writeFileSync(join(folder, 'step.js'), program);
      return (await runScript('node step.js')).trim();
    };
    const sendResult = await runStep(
      `console.log(JSON.stringify(await sendCode('signup-1', '${number}', '203.0.113.7')));`,
    );
    const resend = `sendAgain(${sendResult}).catch((error) => error.code + ' ' + getWaitSeconds(error))`;
    expect(await runStep(`console.log(await ${resend});`)).toBe('cooldown_active 30');
    service.clock.advance(30_000);
    await runStep(`await ${resend};`);
    const codes = await service.getReceivedCodes(number);
    expect(codes).toHaveLength(2);

    const check = (purpose: string) =>
      runStep(`console.log(await checkCode('${purpose}', ${sendResult}, '${codes[0] ?? ''}'));`);
    expect(await check('signup-2')).toBe('over');
    expect(await check('signup-1')).toBe('verified');
    expect(await check('signup-1')).toBe('over');
  });
});
