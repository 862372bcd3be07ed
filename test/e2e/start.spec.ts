import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { freePort } from '../support/free-port.js';
import { run, type Program } from '../support/program.js';

describe('A service that starts', () => {
  let folder: string;
  let program: Program | undefined;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'otp-start-'));
  });

  afterEach(async () => {
    await program?.stop();
    rmSync(folder, { recursive: true });
  });

  async function start(settings: NodeJS.ProcessEnv): Promise<Program> {
    program = run(`exec node ${resolve('.test-build/main.js')}`, folder, {
      PORT: String(await freePort()),
      DATA_DIR: folder,
      INFOBIP_BASE_URL: 'http://127.0.0.1:9',
      ...settings,
    });
    return program;
  }

  // In main.ts: exitOnSignal. The kernel drops signals that PID 1 has no handler for.
  it('ends by itself on a signal, though it waits for its records', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const asked = once(silent, 'connection') as Promise<[Socket]>;
    const starting = await start({ DATABASE_URL: `postgres://127.0.0.1:${String(port)}/otp` });
    const [connection] = await asked;

    await starting.stop();

    expect(await starting.ended()).toBe(143);
    connection.destroy();
    silent.close();
  });

  describe('where somebody else has its port', () => {
    let other: Server;
    let port: string;

    beforeEach(async () => {
      other = createServer().listen(0, '127.0.0.1');
      await once(other, 'listening');
      port = String((other.address() as AddressInfo).port);
    });

    afterEach(() => other.close());

    it.each(['PORT', 'METRICS_PORT'])('says that %s is to be another', async (name) => {
      const starting = await start({ [name]: port });

      expect(await starting.ended()).toBe(1);
      expect(starting.output).toContain(`on 127.0.0.1, port ${port}: listen EADDRINUSE`);
      expect(starting.output).toContain(`Set ${name} to a free one`);
    });
  });

  it('says that HOST is to be another where it is not an address of its machine', async () => {
    const starting = await start({ HOST: 'nonexistent.invalid' });

    expect(await starting.ended()).toBe(1);
    expect(starting.output).toContain('HOST to an address of this machine');
  });
});
