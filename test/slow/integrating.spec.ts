import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
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
const [SEND = '', VERIFY = '', MAKE_TYPES = ''] = blocksIn('sh');
const [PROGRAM = ''] = blocksIn('ts');

const NUMBER = '+14155552671';
const shop = newApiKey('shop');

/** Wrong uses of the client: the compiler must reject each. */
const MISUSES = `
import createClient from 'openapi-fetch';
import type { components, paths } from './otp-api.js';
const otp = createClient<paths>();
export const body: components['schemas']['SendOtpDto'] = {
  phoneNumber: '+14155552671',
  // @ts-expect-error an unknown field
  phone: '1',
};
// @ts-expect-error a missing field
await otp.POST('/otp/send', { body: {} });
// @ts-expect-error an unknown channel
await otp.POST('/otp/send', { body: { phoneNumber: '+14155552671', channel: 'pigeon' } });
// @ts-expect-error neither pinId nor phoneNumber
await otp.POST('/otp/verify', { body: { otpCode: '123456' } });
// @ts-expect-error an unknown path
await otp.POST('/otp/sent', {});
const { data, error } = await otp.POST('/otp/verify', { body: { pinId: 'x', otpCode: '1234' } });
// @ts-expect-error only a wrong code has attemptsRemaining
if (data) console.log(data.attemptsRemaining);
// @ts-expect-error an error code that verify does not return
if (error?.code === 'cooldown_active') console.log(error.detail);
`;

jest.setTimeout(minutes(3));

describe('docs/integrating.md', () => {
  let folder: string;
  let service: SandboxedService;
  let diagnostics: ts.Diagnostic[];

  beforeAll(async () => {
    // Inside the checkout, so that packages are found as in an integrator's project.
    mkdirSync('.test-build', { recursive: true });
    folder = mkdtempSync(resolve('.test-build', 'guide-'));
    service = await startSandboxedService({ API_KEYS: shop.entry });
    await runScript(MAKE_TYPES);
    writeFileSync(join(folder, 'otp.ts'), PROGRAM);
    writeFileSync(join(folder, 'misuses.ts'), MISUSES);
    diagnostics = compile(['otp.ts', 'misuses.ts']);
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
  function compile(names: readonly string[]): ts.Diagnostic[] {
    const program = ts.createProgram(
      names.map((name) => join(folder, name)),
      {
        strict: true,
        exactOptionalPropertyTypes: true,
        target: ts.ScriptTarget.ES2023,
        module: ts.ModuleKind.NodeNext,
        types: ['node'],
        skipLibCheck: true,
      },
    );
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

  it('has a client that compiles, and types that reject wrong uses', () => {
    expect(diagnostics.map(({ messageText }) => messageText)).toEqual([]);
  });

  it('has a client that sends, resends and verifies, and returns problems', async () => {
    const number = '+14155552672';
    const runStep = async (script: string): Promise<string> => {
      const program = `const { sendCode, sendAgain, checkCode } = await import('./otp.js');\n${script}`;
      writeFileSync(join(folder, 'step.js'), program);
      return (await runScript('node step.js')).trim();
    };
    const sendResult = await runStep(
      `console.log(JSON.stringify(await sendCode('signup-1', '${number}', '203.0.113.7')));`,
    );
    const resend = `sendAgain(${sendResult}).catch(({ problem, retryAfterSeconds }) => problem.code + ' ' + retryAfterSeconds)`;
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

  it('has a client that gives up after three 502 responses without a body', async () => {
    const idempotencyKeys: unknown[] = [];
    const balancer = createServer((request, response) => {
      idempotencyKeys.push(request.headers['idempotency-key']);
      response.writeHead(502, {
        'content-length': '0',
        // The client must not wait until then.
        'retry-after': 'Fri, 01 Jan 2100 00:00:00 GMT',
      });
      response.end();
    });
    await once(balancer.listen(0, '127.0.0.1'), 'listening');
    const { port } = balancer.address() as AddressInfo;

    const output = await runScript(
      `node -e "import('./otp.js').then(({ sendCode }) => sendCode('login-1', '${NUMBER}')).catch(({ message }) => console.log(message))"`,
      { OTP_URL: `http://127.0.0.1:${String(port)}` },
    );
    balancer.close();

    expect(output.trim()).toBe('status 502');
    expect(idempotencyKeys).toHaveLength(3);
    expect(new Set(idempotencyKeys).size).toBe(1);
  });
});
