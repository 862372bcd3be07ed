import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { minutes, seconds } from '../../src/common/durations.js';
import { startSandbox, type Sandbox } from '../../src/sandbox/sandbox.js';
import { createClientAgent, newApiKey } from '../support/api-key.js';
import { spawnProgram } from '../support/child-program.js';
import { FakeClock } from '../support/fake-clock.js';
import { readClaims } from '../support/proof-keys.js';
import { readCodes } from '../support/sandbox-calls.js';
import { startService, type RunningService } from '../support/service.js';

const PAGE = readFileSync('docs/proof.md', 'utf8');
const blocksIn = (language: string) =>
  [...PAGE.matchAll(new RegExp(`^ *\`\`\`${language}\\n([^]*?)\`\`\``, 'gm'))].map(
    ([, block = '']) => block,
  );
const [MAKE_KEY = '', VERIFY = '', ADD_KEY = ''] = blocksIn('sh');
const [SETTINGS = ''] = blocksIn('ini');
const [CHECK = ''] = blocksIn('js');

/** Checks each proof as another service does, which has only the URL of the keys. Prints the results. */
const RUN_CHECKS = `
import { checkProof } from './check-proof.mjs';
const results = [];
for (const proof of process.argv.slice(2)) {
  await checkProof(proof).then(
    (result) => results.push(result),
    (error) => results.push(error.code ?? error.message),
  );
}
console.log(JSON.stringify(results));
`;

const NUMBER = '+14155552671';
const OTHER_NUMBER = '+14155552672';
const TEST_NUMBER = '+15550001111';
const TEST_CODE = '123456';
const shop = newApiKey('shop');

describe('docs/proof.md', () => {
  let folder: string;
  let sandbox: Sandbox;
  let clock: FakeClock;
  let service: RunningService | undefined;

  beforeEach(async () => {
    // Inside the repository, so that Node finds the package jose.
    mkdirSync('.test-build', { recursive: true });
    folder = mkdtempSync(resolve('.test-build', 'proof-'));
    writeFileSync(join(folder, 'check-proof.mjs'), CHECK);
    writeFileSync(join(folder, 'run-checks.mjs'), RUN_CHECKS);
    // The other service compares times with the system clock.
    clock = new FakeClock(Date.now());
    sandbox = await startSandbox({ port: 0, now: () => clock.now() });
    await shell(MAKE_KEY);
  });

  afterEach(async () => {
    await service?.close();
    service = undefined;
    await sandbox.close();
    rmSync(folder, { recursive: true });
  });

  /**
   * Runs a script with the built command in place of \`npm run\`, which builds first. As in a terminal, a
   * failed command does not end the script.
   */
  async function shell(script: string, variables: NodeJS.ProcessEnv = {}): Promise<string> {
    const built = `node ${resolve('.test-build/cli/main.js')} proof:new`;
    const command = script.replaceAll(/npm run --silent proof:new(?: --)?/g, built);
    const program = spawnProgram(command, folder, variables);
    if ((await program.ended()) !== 0) throw new Error(program.output);
    return program.output;
  }

  const checkInOtherProcess = async (...proofs: string[]): Promise<unknown[]> => {
    const output = await shell(`node run-checks.mjs ${proofs.join(' ')}`, {
      OTP_URL: service?.url,
    });
    return JSON.parse(output) as unknown[];
  };

  async function restart(settings: NodeJS.ProcessEnv = {}): Promise<RunningService> {
    await service?.close();
    const { PROOF_KEYS_FILE = '', PROOF_ISSUER } = parseEnv(SETTINGS);
    service = await startService(
      {
        API_KEYS: shop.entry,
        INFOBIP_BASE_URL: sandbox.url,
        TEST_NUMBERS: `${TEST_NUMBER}:${TEST_CODE}`,
        PROOF_KEYS_FILE: join(folder, PROOF_KEYS_FILE),
        PROOF_ISSUER,
        ...settings,
      },
      clock,
    );
    return service;
  }

  async function prove(phoneNumber = NUMBER, proofFor = 'orders'): Promise<string> {
    const http = createClientAgent(service?.url ?? '', shop.key);
    const { pinId } = (await http.post('/otp/send').send({ phoneNumber }).expect(200)).body;
    const otpCode = phoneNumber === TEST_NUMBER ? TEST_CODE : await readCode(phoneNumber);
    const { body } = await http.post('/otp/verify').send({ pinId, otpCode, proofFor }).expect(200);
    return body.proof;
  }

  const readCode = async (phoneNumber: string): Promise<string> =>
    (await readCodes(sandbox.url, phoneNumber))[0] ?? '';

  const readKeys = () =>
    (JSON.parse(readFileSync(join(folder, 'proof-keys.json'), 'utf8')) as { keys: object[] }).keys;
  const writeKeys = (...keys: (object | undefined)[]) => {
    writeFileSync(join(folder, 'proof-keys.json'), JSON.stringify({ keys }));
  };

  it('contains only code blocks that this test runs', () => {
    expect(blocksIn('sh')).toHaveLength(3);
    expect(blocksIn('ini')).toHaveLength(1);
    expect(blocksIn('js')).toHaveLength(1);
    expect(PAGE.match(/```\w/g)).toHaveLength(5);
  });

  it('has a command that makes a key which only its owner can read', async () => {
    expect(statSync(join(folder, 'proof-keys.json')).mode & 0o777).toBe(0o600);
    expect(readKeys()).toHaveLength(1);
  });

  it('has a request whose proof is valid in another process that knows only the published keys', async () => {
    const { http, url } = await restart();
    const { body } = await http
      .post('/otp/send')
      .set('authorization', `Bearer ${shop.key}`)
      .send({ phoneNumber: NUMBER, reference: 'order-4711' })
      .expect(200);
    const CODE = await readCode(NUMBER);
    const variables = { OTP_URL: url, OTP_API_KEY: shop.key, PIN_ID: body.pinId, CODE };
    const responseText = await shell(VERIFY, variables);
    const { proof } = JSON.parse(responseText) as { proof: string };

    const verifiedAt = new Date(Math.floor(clock.now() / seconds(1)) * seconds(1));
    expect(await checkInOtherProcess(proof)).toEqual([
      { phoneNumber: NUMBER, verifiedAt: verifiedAt.toISOString() },
    ]);
    expect(await shell(VERIFY, variables)).toBe(responseText);
  });

  it('has a check that rejects other audiences and issuers, test numbers, and changed or unsigned proofs', async () => {
    await restart();
    const forBilling = await prove(NUMBER, 'billing');
    const ofTestNumber = await prove(TEST_NUMBER);
    const [header = '', payload = '', signature = ''] = (await prove(OTHER_NUMBER)).split('.');
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const claims = readClaims(`.${payload}`);
    const changed = encode({ ...claims, phone_number: NUMBER });
    await restart({ PROOF_ISSUER: 'https://other.example.com' });
    const ofOtherIssuer = await prove('+14155552673');

    expect(
      await checkInOtherProcess(
        forBilling,
        ofOtherIssuer,
        ofTestNumber,
        `${header}.${changed}.${signature}`,
        `${header}.${payload}.${signature.slice(1)}A`,
        `${encode({ alg: 'none', typ: 'JWT' })}.${payload}.`,
      ),
    ).toEqual([
      'ERR_JWT_CLAIM_VALIDATION_FAILED',
      'ERR_JWT_CLAIM_VALIDATION_FAILED',
      'The proof is for a test number.',
      'ERR_JWS_SIGNATURE_VERIFICATION_FAILED',
      'ERR_JWS_SIGNATURE_VERIFICATION_FAILED',
      'ERR_JOSE_ALG_NOT_ALLOWED',
    ]);
  });

  it('has a check that rejects a proof after five minutes', async () => {
    clock = new FakeClock(Date.now() - minutes(5));
    await restart();

    expect(await checkInOtherProcess(await prove())).toEqual(['ERR_JWT_EXPIRED']);
  });

  it('has a rotation that keeps the keys if the command for the new key fails', async () => {
    const keys = readKeys();

    await expect(shell(`node() { return 1; }\n${ADD_KEY}`)).rejects.toThrow();

    expect(readKeys()).toEqual(keys);
  });

  it('has a rotation in which every proof is valid until its key is removed', async () => {
    await restart();
    const [oldKey] = readKeys();
    await shell(ADD_KEY);
    const [, newKey] = readKeys();
    const mode = statSync(join(folder, 'proof-keys.json')).mode & 0o777;
    await restart();
    const byOldKey = await prove();
    const published = await checkInOtherProcess(byOldKey);
    writeKeys(newKey, oldKey);
    await restart();
    const byNewKey = await prove(OTHER_NUMBER);
    const rotated = await checkInOtherProcess(byOldKey, byNewKey);
    writeKeys(newKey);
    await restart();
    const removed = await checkInOtherProcess(byOldKey, byNewKey);

    const valid = { phoneNumber: expect.any(String), verifiedAt: expect.any(String) };
    expect(mode).toBe(0o600);
    expect(published).toEqual([valid]);
    expect(rotated).toEqual([valid, valid]);
    expect(removed).toEqual(['ERR_JWKS_NO_MATCHING_KEY', valid]);
  });
});
