import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { calculateJwkThumbprint } from 'jose';
import { parseProofKeys } from '../../src/config/proof-keys.js';
import { runCommand } from '../support/cli.js';
import { newProofKey, toKeySet, type PrivateProofKey } from '../support/proof-keys.js';

describe('npm run proof:new', () => {
  let cwd: string;

  beforeAll(() => {
    cwd = mkdtempSync(join(tmpdir(), 'otp-proof-new-'));
  });

  afterAll(() => {
    rmSync(cwd, { recursive: true });
  });

  const run = (args = '') => runCommand('proof:new', { args, cwd, settings: {} });

  it('prints a set with one new key, whose id is its thumbprint', async () => {
    const [first, second] = [await run(), await run()];
    const { keys } = JSON.parse(first.output) as { keys: PrivateProofKey[] };

    expect(first.code).toBe(0);
    expect(first.output.trim().split('\n')).toHaveLength(1);
    expect(parseProofKeys(first.output)).toHaveLength(1);
    expect(keys[0]?.kid).toBe(await calculateJwkThumbprint(keys[0] ?? {}));
    expect(second.output).not.toBe(first.output);
  });

  it('adds a key after the present ones, which stay as they are', async () => {
    const present = [newProofKey('one'), newProofKey('two')];
    writeFileSync(join(cwd, 'keys.json'), `${toKeySet(...present)}\n`);
    const { code, output } = await run('--add-to keys.json');
    const { keys } = JSON.parse(output) as { keys: PrivateProofKey[] };

    expect(code).toBe(0);
    expect(keys.slice(0, 2)).toEqual(present);
    expect(parseProofKeys(output)).toHaveLength(3);
  });

  it.each([
    ['--add-to missing.json', /^The file of --add-to cannot be read \(ENOENT\)\.\n/],
    ['--add-to .', /^The file of --add-to cannot be read \(EISDIR\)\.\n/],
    [
      '--add-to public.json',
      /^The file of --add-to cannot be used: key 1 has no private part d\.\n/,
    ],
    ['--other', /^Unknown option '--other'/],
    ['NAME', /^Unexpected argument 'NAME'/],
  ])('explains why %s is rejected, and prints no key', async (args, explanation) => {
    writeFileSync(join(cwd, 'public.json'), toKeySet({ ...newProofKey('one'), d: undefined }));
    const { code, output } = await run(args);

    expect(output).toMatch(explanation);
    expect(output).toContain('Usage: npm run proof:new');
    expect(output).not.toContain('"d"');
    expect(code).toBe(2);
  });

  it('prints its help', async () => {
    const { code, output } = await run('--help');

    expect(output).toContain('--add-to <FILE>');
    expect(code).toBe(0);
  });
});
