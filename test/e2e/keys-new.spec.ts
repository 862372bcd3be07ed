import { tmpdir } from 'node:os';
import { createClientAgent } from '../support/api-key.js';
import { TestClientsFile } from '../support/clients-file.js';
import { runBuiltCommand, runCommand } from '../support/cli.js';
import { startSandboxedService } from '../support/service.js';

describe('npm run keys:new', () => {
  const run = (args: string) => runCommand('keys:new', { args, cwd: tmpdir(), settings: {} });

  it('creates a key that the service accepts', async () => {
    const { code, output } = await runBuiltCommand('keys:new', {
      args: 'shop',
      cwd: tmpdir(),
      settings: {},
    });
    const [, key = ''] = /^Key, for the client: +(\S+)$/m.exec(output) ?? [];
    const [, entry = ''] = /^Entry, for API_KEYS: +(\S+)$/m.exec(output) ?? [];
    const service = await startSandboxedService({ API_KEYS: entry });

    expect(code).toBe(0);
    expect(entry).toMatch(/^shop:[0-9a-f]{64}$/);
    expect((await createClientAgent(service.url, key).get('/otp/x')).status).toBe(404);
    expect((await createClientAgent(service.url, `${key}x`).get('/otp/x')).status).toBe(401);
    await service.close();
  });

  it('prints the hash that CLIENTS_FILE lists', async () => {
    const { output } = await run('shop');
    const [, key = ''] = /^Key, for the client: +(\S+)$/m.exec(output) ?? [];
    const [, hash = ''] = /^Hash, for CLIENTS_FILE: +(\S+)$/m.exec(output) ?? [];
    const file = new TestClientsFile();
    file.write({ shop: { keys: [hash] } });
    const service = await startSandboxedService({ CLIENTS_FILE: file.path });

    expect((await createClientAgent(service.url, key).get('/otp/x')).status).toBe(404);
    await service.close();
    file.remove();
  });

  it('creates another key each time', async () => {
    expect((await run('shop')).output).not.toBe((await run('shop')).output);
  });

  it.each(['', 'two names', 'a:b', '"a,b"', '--nothing'])(
    'prints its usage for the arguments "%s"',
    async (args) => {
      const { code, output } = await run(args);

      expect(code).toBe(2);
      expect(output).toContain('Usage: npm run keys:new -- NAME');
    },
  );

  it.each(['_internal', 'a:b', '" shop"'])('prints what a valid name is for %j', async (name) => {
    expect((await run(name)).output).toMatch(
      /^A name begins with a letter or digit, and has at most 64 /,
    );
  });

  it('prints its help', async () => {
    expect(await run('--help')).toMatchObject({
      code: 0,
      output: expect.stringContaining('API_KEYS'),
    });
  });
});
