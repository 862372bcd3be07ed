import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { minutes } from '../../src/common/durations.js';
import { startSandbox, type Sandbox } from '../../src/sandbox/sandbox.js';
import { runBuiltCommand } from '../support/cli.js';
import { startForwardProxy, tunnelTo, type ForwardProxy } from '../support/forward-proxy.js';
import { createPrivateCa, startTlsFront, type PrivateCa } from '../support/private-ca.js';
import { startReplica, type Replica } from '../support/replica.js';

const HOST = 'account.api.infobip.test';
const USER = 'proxy-user';
const PASSWORD = 'proxy-password-that-must-not-be-shown';

jest.setTimeout(minutes(2));

/** Each program runs as a separate process, because Node reads `NODE_EXTRA_CA_CERTS` at its start. */
describe('Behind a proxy, with a private certificate authority', () => {
  let folder: string;
  let sandbox: Sandbox;
  let ca: PrivateCa;
  let front: Awaited<ReturnType<typeof startTlsFront>>;
  let proxy: ForwardProxy;
  let settings: NodeJS.ProcessEnv;
  let replica: Replica | undefined;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'otp-outbound-'));
    // On a loopback address it would answer only requests to names of this machine.
    sandbox = await startSandbox({ host: '0.0.0.0', port: 0 });
    ca = createPrivateCa(folder, HOST);
    front = await startTlsFront(ca, sandbox.url);
  });

  beforeEach(async () => {
    proxy = await startForwardProxy(tunnelTo(front.port));
    settings = {
      DATA_DIR: folder,
      ALLOW_UNAUTHENTICATED: 'true',
      INFOBIP_BASE_URL: `HTTPS://${HOST}`,
      INFOBIP_API_KEY: 'sandbox-key',
      INFOBIP_APP_ID: 'sandbox-application',
      INFOBIP_MESSAGE_ID: 'sandbox-message',
      HTTPS_PROXY: proxy.url.replace('//', `//${USER}:${PASSWORD}@`),
      NODE_EXTRA_CA_CERTS: ca.caFile,
    };
  });

  afterEach(async () => {
    await replica?.stop();
    replica = undefined;
    await proxy.close();
  });

  afterAll(async () => {
    front.close();
    await sandbox.close();
    rmSync(folder, { recursive: true });
  });

  const send = async (phoneNumber: string) => replica?.http.post('/otp/send').send({ phoneNumber });

  it('the service sends through the proxy, and shows no credentials', async () => {
    replica = await startReplica(settings);

    expect((await send('+14155552671'))?.status).toBe(200);
    expect(proxy.tunnels).toContainEqual({
      target: `${HOST}:443`,
      authorization: `Basic ${btoa(`${USER}:${PASSWORD}`)}`,
    });
    expect(replica.output).not.toMatch(new RegExp(`${USER}|${PASSWORD}|${btoa(USER).slice(0, 9)}`));
  });

  it('the service names an unknown certificate authority, and sends nothing', async () => {
    replica = await startReplica({ ...settings, NODE_EXTRA_CA_CERTS: '' });

    expect((await send('+14155552672'))?.status).toBe(503);
    expect(replica.output).toContain('connection_failed (UNABLE_TO_VERIFY_LEAF_SIGNATURE)');
  });

  it('the service answers 503 and logs the status of a proxy that refuses, and shows no credentials', async () => {
    await proxy.close();
    proxy = await startForwardProxy((socket) =>
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n'),
    );
    const HTTPS_PROXY = proxy.url.replace('//', `//${USER}:${PASSWORD}@`);
    replica = await startReplica({ ...settings, HTTPS_PROXY });

    expect((await send('+14155552673'))?.body).toMatchObject({ code: 'provider_unavailable' });
    expect(replica.output).toContain('connection_failed (PROXY_STATUS_407)');
    expect(replica.output).not.toMatch(new RegExp(`${USER}|${PASSWORD}`));
  });

  it('doctor and infobip:setup use the proxy', async () => {
    for (const [command, args] of [
      ['doctor', ''],
      ['infobip:setup', '--yes'],
    ] as const) {
      const tunnelsBefore = proxy.tunnels.length;
      const { code, output } = await runBuiltCommand(command, { args, cwd: folder, settings });

      expect(output).not.toMatch(/cannot be reached/);
      expect(output).not.toContain(PASSWORD);
      expect({ command, code }).toEqual({ command, code: 0 });
      expect(proxy.tunnels.length).toBeGreaterThan(tunnelsBefore);
    }
  });

  it('doctor says what to check if the proxy refuses connections', async () => {
    const { output } = await runBuiltCommand('doctor', {
      cwd: folder,
      settings: { ...settings, HTTPS_PROXY: 'http://u:p@127.0.0.1:9' },
    });

    expect(output).toContain('(PROXY_ECONNREFUSED)');
    expect(output).toContain('check HTTPS_PROXY, HTTP_PROXY and NO_PROXY');
  });
});
