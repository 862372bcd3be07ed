import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { WebhookScheduler } from '../../src/webhooks/webhook-scheduler.js';
import { spawnProgram, type ChildProgram } from '../support/child-program.js';
import { EVENTS_SECRET } from '../support/event-receiver.js';
import { FakeClock } from '../support/fake-clock.js';
import { connectTo } from '../support/raw-connection.js';
import { startSandboxedService, type SandboxedService } from '../support/service.js';
import { freePort } from '../support/services/ports.js';

const PAGE = readFileSync('docs/events.md', 'utf8');
const blockIn = (language: string): string =>
  new RegExp(`^\`\`\`${language}\n([^]*?)\`\`\``, 'm').exec(PAGE)?.[1] ?? '';

const NUMBER = '+14155552671';

/** Waits until a server answers at the URL, at most until the time limit of the test. */
async function waitUntilReady(url: string): Promise<void> {
  while (!(await fetch(url).then(Boolean, () => false))) await delay(20);
}

describe('docs/events.md', () => {
  let folder: string;
  let receiver: ChildProgram | undefined;
  let service: SandboxedService | undefined;

  beforeEach(() => {
    // Inside the repository, so that Node finds the package standardwebhooks.
    mkdirSync('.test-build', { recursive: true });
    folder = mkdtempSync(resolve('.test-build', 'events-'));
    writeFileSync(join(folder, 'receiver.mjs'), blockIn('js'));
  });

  afterEach(async () => {
    await service?.close();
    service = undefined;
    await receiver?.stop();
    receiver = undefined;
    rmSync(folder, { recursive: true });
  });

  /** Starts the receiver of the page, and returns its address. */
  async function startReceiver(secret: string): Promise<string> {
    const PORT = String(await freePort());
    receiver = spawnProgram('node receiver.mjs', folder, { PORT, EVENTS_SECRET: secret });
    const url = `http://127.0.0.1:${PORT}/`;
    await waitUntilReady(url);
    return url;
  }

  it('has a receiver that accepts an event signed with its secret, and rejects a forged one', async () => {
    const secretProgram = spawnProgram(blockIn('sh'), folder);
    await secretProgram.ended();
    const secret = secretProgram.output.trim();
    const url = await startReceiver(secret);
    // The receiver compares timestamps with the system clock, so the service needs the same time.
    const clock = new FakeClock(Date.now());
    service = await startSandboxedService({ EVENTS_URL: url, EVENTS_SECRET: secret }, clock);
    const sent = await service.http
      .post('/otp/send')
      .send({ phoneNumber: NUMBER, eventReference: 'order-4711' });
    const [otpCode] = await service.getReceivedCodes(NUMBER);
    const { pinId } = sent.body as { pinId: string };
    await service.http.post('/otp/verify').send({ pinId, otpCode }).expect(200);
    await service.app.get(WebhookScheduler).runOnce();

    await receiver?.printed(new RegExp(`^verification\\.verified ${pinId}$`, 'm'));
    const forged = await fetch(url, { method: 'POST', body: '{}' });
    expect(forged.status).toBe(400);
  });

  it('has a receiver that runs on after an aborted request and a body that is too long', async () => {
    const url = await startReceiver(EVENTS_SECRET);
    const startRequest = async (body: string) => {
      const connection = await connectTo(url);
      connection.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999\r\n\r\n${body}`);
      return connection;
    };
    const aborted = await startRequest('{');
    aborted.reset();
    await expect(aborted.answer).rejects.toThrow();
    const endless = await startRequest('x'.repeat(100_000));
    // The receiver does not wait for the rest of the body.
    await endless.answer.catch(() => undefined);

    const forged = await fetch(url, { method: 'POST', body: '{}' });
    expect(forged.status).toBe(400);
  });

  it('describes every field of its example in the table, except four', async () => {
    const example = JSON.parse(blockIn('json')) as { data: object };
    const describedFields = [...PAGE.matchAll(/^\| `.*/gm)].flatMap(([row]) =>
      [...(row.split('|')[1] ?? '').matchAll(/`([\w.]+)`/g)].map(([, name = '']) => name),
    );

    const otherFields = ['pinId', 'client', 'createdAt', 'expiresAt'];
    expect(
      Object.keys(example.data)
        .filter((name) => !describedFields.includes(name))
        .sort(),
    ).toEqual(otherFields.sort());
  });
});
