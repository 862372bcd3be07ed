import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import ts from 'typescript';
import { minutes, seconds } from '../../src/common/durations.js';
import { newApiKey } from '../support/api-key.js';
import { spawnProgram } from '../support/child-program.js';
import { startSandboxedService, type SandboxedService } from '../support/service.js';
import { wrongCode } from '../support/wrong-code.js';

const shop = newApiKey('shop');

/** Uses every call and type of the client. */
const PROGRAM = `
import {
  createOtpClient, isOtpError, OtpConnectionError, OtpTimeoutError,
  type ErrorCode, type LookupResult, type OtpClient, type Problem, type SendRequest, type SendResult,
  type StatusResult, type VerifyResult,
} from 'otp-service-client';

declare const settings: { readonly [name: string]: string | undefined };

const otp: OtpClient = createOtpClient({ url: settings['URL'] ?? '', apiKey: settings['KEY'] });

export async function sendCode(phoneNumber: string, reference?: string): Promise<SendResult | number> {
  const request: SendRequest = { phoneNumber, channel: 'sms', reference };
  try {
    return await otp.send(request, { idempotencyKey: 'send-1', signal: new AbortController().signal });
  } catch (error) {
    if (isOtpError(error, 'cooldown_active', 'quota_exceeded')) {
      const code: 'cooldown_active' | 'quota_exceeded' = error.code;
      return code.length + (error.retryAfterSeconds ?? 0);
    }
    if (isOtpError(error)) {
      const code: ErrorCode = error.code;
      throw new Error([code, error.status, error.detail, error.requestId, error.errors[0]?.pointer].join());
    }
    if (error instanceof OtpConnectionError) throw new Error(String(error.status));
    if (error instanceof OtpTimeoutError) throw error;
    throw error;
  }
}

export async function checkCode(pinId: string, otpCode: string): Promise<string> {
  const result: VerifyResult = await otp.verify({ pinId, otpCode }, { timeoutMs: 5_000 });
  if (result.verified) return 'verified';
  return result.reason === 'wrong_code' ? String(result.attemptsRemaining) : result.reason;
}

export const again = async (pinId: string): Promise<string> => (await otp.resend({ pinId })).expiresAt;
export const status = async (pinId: string): Promise<StatusResult['status']> => (await otp.status(pinId)).status;
export const lookup = (phoneNumber: string): Promise<LookupResult> => otp.lookup(phoneNumber);
export const forget = async (pinId: string, phoneNumber: string): Promise<void> => {
  await otp.cancel(pinId);
  await otp.erase(phoneNumber);
};
export const titleOf = ({ title }: Problem): string => title;

export async function makeWrongCalls(): Promise<void> {
  // @ts-expect-error a missing field
  await otp.send({});
  // @ts-expect-error an unknown field
  await otp.send({ phoneNumber: '+14155552671', phone: '1' });
  // @ts-expect-error an unknown channel
  await otp.send({ phoneNumber: '+14155552671', channel: 'pigeon' });
  // @ts-expect-error neither pinId nor phoneNumber
  await otp.verify({ otpCode: '123456' });
  // @ts-expect-error a code that is a number
  await otp.verify({ pinId: 'x', otpCode: 123456 });
  // @ts-expect-error a key for a call that needs none
  await otp.status('x', { idempotencyKey: 'k' });
  // @ts-expect-error only a wrong code has attemptsRemaining
  (await otp.verify({ pinId: 'x', otpCode: '1234' })).attemptsRemaining;
  // @ts-expect-error an unknown error code
  isOtpError(new Error(), 'no_such_code');
}
`;

/** The calls in two steps, because the cooldown lies between them. Prints the results as JSON. */
const SEND = `
import { createOtpClient, isOtpError } from 'otp-service-client';
const { OTP_URL: url, OTP_API_KEY: apiKey, NUMBER } = process.env;
const otp = createOtpClient({ url, apiKey });
const sent = await otp.send({ phoneNumber: NUMBER, reference: 'login-4711' });
const early = await otp.resend({ pinId: sent.pinId }).catch((error) => error);
console.log(JSON.stringify({
  sent,
  isCooldown: isOtpError(early, 'cooldown_active'),
  retryAfterSeconds: early.retryAfterSeconds,
  node: process.versions.node,
}));
`;
const USE = `
import { createOtpClient } from 'otp-service-client';
const { OTP_URL: url, OTP_API_KEY: apiKey, NUMBER, PIN_ID: pinId, CODE, WRONG_CODE } = process.env;
const otp = createOtpClient({ url, apiKey });
const reference = 'login-4711';
console.log(JSON.stringify({
  resent: await otp.resend({ pinId }),
  wrong: await otp.verify({ pinId, otpCode: WRONG_CODE, reference }),
  pending: (await otp.status(pinId)).status,
  right: await otp.verify({ pinId, otpCode: [...CODE].join(' '), reference }),
  verified: (await otp.status(pinId)).status,
  lookup: (await otp.lookup(NUMBER)).verified,
  cancelled: await otp.cancel(pinId) === undefined,
  erased: await otp.erase(NUMBER) === undefined,
  lookupErased: (await otp.lookup(NUMBER)).verified,
}));
`;
const REQUIRE = `
const { createOtpClient } = require('otp-service-client');
console.log(JSON.stringify({ client: Object.keys(createOtpClient({ url: 'http://localhost' })) }));
`;

jest.setTimeout(minutes(3));

describe('The package of the TypeScript client', () => {
  let project: string;
  let packed: { files: { path: string }[]; unpackedSize: number; filename: string };

  beforeAll(() => {
    project = mkdtempSync(join(tmpdir(), 'otp-client-user-'));
    // Not `client:pack`, which would remove the build while examples use it.
    const pack = ['pack', './client', '--json', '--pack-destination', project];
    const output = execFileSync('npm', pack, { encoding: 'utf8' });
    [packed] = JSON.parse(output) as [typeof packed];
    writeFileSync(join(project, 'package.json'), '{ "type": "module" }');
    execFileSync('npm', ['install', '--offline', '--silent', packed.filename], { cwd: project });
    writeFileSync(join(project, 'use.ts'), PROGRAM);
    writeFileSync(join(project, 'use.cts'), PROGRAM);
    writeFileSync(join(project, 'send.mjs'), SEND);
    writeFileSync(join(project, 'use.mjs'), USE);
    writeFileSync(join(project, 'require.cjs'), REQUIRE);
  });

  afterAll(() => {
    rmSync(project, { recursive: true });
  });

  it('contains only the built client, its README and its licence', () => {
    const paths = packed.files.map(({ path }) => path);

    expect(paths).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'package.json']));
    expect(paths.filter((path) => !/^dist\/[a-z-]+(\.d\.ts|\.js)$/.test(path))).toHaveLength(3);
    expect(packed.unpackedSize).toBeLessThan(50_000);
  });

  it('needs a Node that can require an ES module', () => {
    const manifest = JSON.parse(readFileSync('client/package.json', 'utf8')) as object;

    expect(manifest).toMatchObject({ type: 'module', engines: { node: '>=20.19' } });
    expect(readFileSync('client/README.md', 'utf8')).toContain('Node 20.19');
  });

  it.each<[what: string, options: ts.CompilerOptions, file?: string]>([
    ['@types/node', { lib: ['lib.es2022.d.ts'], types: ['node'] }],
    ['the DOM library', { lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'], types: [] }],
    [
      'a bundler and the DOM library',
      {
        lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'],
        types: [],
        module: ts.ModuleKind.ESNext,
        moduleResolution: ts.ModuleResolutionKind.Bundler,
      },
    ],
    ['nodenext in a CommonJS module', { types: ['node'] }, 'use.cts'],
    [
      'commonjs and node10',
      {
        types: ['node'],
        module: ts.ModuleKind.CommonJS,
        // eslint-disable-next-line @typescript-eslint/no-deprecated -- users of older settings have it
        moduleResolution: ts.ModuleResolutionKind.Node10,
        ignoreDeprecations: '6.0',
      },
    ],
  ])(
    'has types that compile under strict with %s, and reject wrong uses',
    (...[, options, file = 'use.ts']) => {
      const program = ts.createProgram([join(project, file)], {
        strict: true,
        exactOptionalPropertyTypes: true,
        noUncheckedIndexedAccess: true,
        noPropertyAccessFromIndexSignature: true,
        skipLibCheck: false,
        noEmit: true,
        target: ts.ScriptTarget.ES2022,
        module: ts.ModuleKind.NodeNext,
        typeRoots: [resolve('node_modules/@types')],
        ...options,
      });

      const diagnostics = ts.getPreEmitDiagnostics(program);
      expect(ts.formatDiagnostics(diagnostics, FORMAT)).toBe('');
    },
  );

  describe.each([
    ['this Node', `'${process.execPath}'`, `${process.versions.node.split('.')[0] ?? ''}.`],
    ['Node 24', 'npx -y -p node@24 node', '24.'],
  ])('on %s', (_, node, version) => {
    let service: SandboxedService;

    beforeAll(async () => {
      service = await startSandboxedService({ API_KEYS: shop.entry });
    });

    afterAll(() => service.close());

    async function run(file: string, variables: NodeJS.ProcessEnv): Promise<object> {
      const program = spawnProgram(`${node} ${file}`, project, {
        OTP_URL: service.url,
        OTP_API_KEY: shop.key,
        ...variables,
      });
      expect([await program.ended(), program.output]).toEqual([0, expect.stringMatching(/^\{/)]);
      return JSON.parse(program.output) as object;
    }

    it('gives the client to a CommonJS module that requires the package', async () => {
      const client = ['send', 'resend', 'verify', 'status', 'cancel', 'lookup', 'erase'];

      expect(await run('require.cjs', {})).toEqual({ client });
    });

    it('makes every call of the service', async () => {
      const NUMBER = '+14155552671';
      const { sent, ...early } = (await run('send.mjs', { NUMBER })) as { sent: { pinId: string } };
      const [CODE = ''] = await service.getReceivedCodes(NUMBER);
      service.clock.advance(seconds(30));

      expect(sent).toMatchObject({ to: '+1415•••2671', channel: 'sms' });
      expect(early).toEqual({
        isCooldown: true,
        retryAfterSeconds: 30,
        node: expect.stringMatching(`^${version}`),
      });
      const variables = { NUMBER, PIN_ID: sent.pinId, CODE, WRONG_CODE: wrongCode(CODE) };
      expect(await run('use.mjs', variables)).toEqual({
        resent: expect.objectContaining({ pinId: sent.pinId }),
        wrong: { verified: false, reason: 'wrong_code', attemptsRemaining: 4 },
        pending: 'pending',
        right: { verified: true },
        verified: 'verified',
        lookup: true,
        cancelled: true,
        erased: true,
        lookupErased: false,
      });
      expect(await service.getReceivedCodes(NUMBER)).toHaveLength(2);
    });
  });
});

const FORMAT: ts.FormatDiagnosticsHost = {
  getCanonicalFileName: (name) => name,
  getCurrentDirectory: () => process.cwd(),
  getNewLine: () => '\n',
};
