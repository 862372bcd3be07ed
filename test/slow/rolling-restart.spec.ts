import { setTimeout as delay } from 'node:timers/promises';
import { startSandbox, type Sandbox } from '../../src/sandbox/sandbox.js';
import { minutes } from '../../src/common/durations.js';
import { LoadBalancer } from '../support/load-balancer.js';
import { startPostgres, type PostgresServer } from '../support/services/postgres.js';
import { startReplica, type Replica } from '../support/replica.js';

const WALKERS = 6;
const POLL_MS = 20;
const PHONES_BETWEEN = 20;

jest.setTimeout(minutes(2));

/** What one phone's caller heard; the balancer asked each thing once. */
interface Journey {
  readonly phoneNumber: string;
  readonly heard: string[];
}

describe('Two replicas that are restarted one after the other, under load,', () => {
  let postgres: PostgresServer;
  let sandbox: Sandbox;
  let replicas: Replica[];
  const exits: (number | null)[] = [];
  const journeys: Journey[] = [];
  const failures: unknown[] = [];
  const servedBy = new Set<string>();

  beforeAll(async () => {
    [postgres, sandbox] = await Promise.all([startPostgres(), startSandbox({ port: 0 })]);
    const settings = {
      NODE_ENV: 'test',
      DATABASE_URL: await postgres.createDatabase(),
      INFOBIP_BASE_URL: sandbox.url,
      // Many times what the balancer needs to notice, on a busy machine too.
      SHUTDOWN_DELAY: '2s',
    };
    replicas = await Promise.all([startReplica(settings), startReplica(settings)]);
    const balancer = new LoadBalancer();
    replicas.forEach(({ url }) => {
      balancer.add(url);
    });
    await until(() => replicas.every(({ url }) => balancer.uses(url)));

    let stopped = false;
    const walkers = Array.from({ length: WALKERS }, async () => {
      while (!stopped) await travel(balancer).catch((error: unknown) => failures.push(error));
    });
    for (const old of [...replicas]) {
      await morePhones();
      old.signal('SIGTERM');
      exits.push(await old.ended());
      balancer.remove(old.url);
      const fresh = await startReplica(settings);
      balancer.add(fresh.url);
      replicas = [...replicas.filter((replica) => replica !== old), fresh];
      await until(() => balancer.uses(fresh.url));
    }
    await morePhones();
    stopped = true;
    await Promise.all(walkers);
    replicas.forEach(({ url }) => {
      balancer.remove(url);
    });
  });

  afterAll(async () => {
    await Promise.all(replicas.map((replica) => replica.kill()));
    await Promise.all([postgres.stop(), sandbox.close()]);
  });

  const textsOf = async (phoneNumber: string): Promise<{ pin: string }[]> => {
    const inbox = await fetch(
      `${sandbox.url}/sandbox/messages?to=${encodeURIComponent(phoneNumber)}`,
    );
    return (await inbox.json()) as { pin: string }[];
  };

  /** A send, and the right code. */
  async function travel(balancer: LoadBalancer): Promise<void> {
    const phoneNumber = `+1415${String(5_560_000 + journeys.length)}`;
    const journey: Journey = { phoneNumber, heard: [] };
    journeys.push(journey);
    const sent = await balancer.post('/otp/send', { phoneNumber });
    journey.heard.push(`send ${sent.status}`);
    servedBy.add(sent.url);
    const [text] = await textsOf(phoneNumber);
    const { body } = await balancer.post('/otp/verify', {
      pinId: sent.body.pinId,
      otpCode: text?.pin,
    });
    journey.heard.push(`verified ${body.verified}`);
  }

  async function morePhones(): Promise<void> {
    const enough = journeys.length + PHONES_BETWEEN;
    await until(() => journeys.length >= enough);
  }

  // In shutdown.ts: `start()` and the delay.
  it('drop no request', () => {
    expect(failures).toEqual([]);
    expect(journeys.map(({ heard }) => heard.join(', '))).toEqual(
      journeys.map(() => 'send 200, verified true'),
    );
  });

  it('text each phone once', async () => {
    for (const { phoneNumber } of journeys) expect(await textsOf(phoneNumber)).toHaveLength(1);
  });

  it('end well, and are all used', () => {
    expect(exits).toEqual([0, 0]);
    expect(servedBy.size).toBe(4);
  });
});

async function until(happened: () => boolean): Promise<void> {
  while (!happened()) await delay(POLL_MS);
}
