import { startSandbox, type Sandbox } from '../../src/sandbox/sandbox.js';
import { minutes } from '../../src/common/durations.js';
import { LoadBalancer } from '../support/load-balancer.js';
import { startPostgres, type PostgresServer } from '../support/services/postgres.js';
import { readCodes } from '../support/sandbox-calls.js';
import { startReplica, type Replica } from '../support/replica.js';
import { waitUntil } from '../support/wait-until.js';

const CONCURRENT_FLOWS = 6;
const FLOWS_BETWEEN = 20;

jest.setTimeout(minutes(2));

/** The responses for one phone; the load balancer never retries. */
interface Flow {
  readonly phoneNumber: string;
  readonly responses: string[];
}

describe('A rolling restart of two replicas under load', () => {
  let postgres: PostgresServer;
  let sandbox: Sandbox;
  let replicas: Replica[];
  const exits: (number | null)[] = [];
  const flows: Flow[] = [];
  const failures: unknown[] = [];
  const servedBy = new Set<string>();

  beforeAll(async () => {
    [postgres, sandbox] = await Promise.all([startPostgres(), startSandbox({ port: 0 })]);
    const settings = {
      NODE_ENV: 'test',
      DATABASE_URL: await postgres.createDatabase(),
      INFOBIP_BASE_URL: sandbox.url,
      // Far longer than the load balancer needs to stop using a replica.
      SHUTDOWN_DELAY: '2s',
    };
    replicas = await Promise.all([startReplica(settings), startReplica(settings)]);
    const balancer = new LoadBalancer();
    replicas.forEach(({ url }) => {
      balancer.add(url);
    });
    await waitUntil(() => replicas.every(({ url }) => balancer.uses(url)));

    let stopped = false;
    const workers = Array.from({ length: CONCURRENT_FLOWS }, async () => {
      while (!stopped) await runFlow(balancer).catch((error: unknown) => failures.push(error));
    });
    for (const old of [...replicas]) {
      await waitForMoreFlows();
      old.signal('SIGTERM');
      exits.push(await old.ended());
      balancer.remove(old.url);
      const fresh = await startReplica(settings);
      balancer.add(fresh.url);
      replicas = [...replicas.filter((replica) => replica !== old), fresh];
      await waitUntil(() => balancer.uses(fresh.url));
    }
    await waitForMoreFlows();
    stopped = true;
    await Promise.all(workers);
    replicas.forEach(({ url }) => {
      balancer.remove(url);
    });
  });

  afterAll(async () => {
    await Promise.all(replicas.map((replica) => replica.kill()));
    await Promise.all([postgres.stop(), sandbox.close()]);
  });

  /** Sends a code and verifies it. */
  async function runFlow(balancer: LoadBalancer): Promise<void> {
    const phoneNumber = `+1415${String(5_560_000 + flows.length)}`;
    const flow: Flow = { phoneNumber, responses: [] };
    flows.push(flow);
    const sent = await balancer.post('/otp/send', { phoneNumber });
    flow.responses.push(`send ${sent.status}`);
    servedBy.add(sent.url);
    const [otpCode] = await readCodes(sandbox.url, phoneNumber);
    const { body } = await balancer.post('/otp/verify', {
      pinId: sent.body.pinId,
      otpCode,
    });
    flow.responses.push(`verified ${body.verified}`);
  }

  async function waitForMoreFlows(): Promise<void> {
    const enough = flows.length + FLOWS_BETWEEN;
    await waitUntil(() => flows.length >= enough);
  }

  // This test fails without `startDraining()` and the delay in shutdown.ts.
  it('drops no request', () => {
    expect(failures).toEqual([]);
    expect(flows.map(({ responses }) => responses.join(', '))).toEqual(
      flows.map(() => 'send 200, verified true'),
    );
  });

  it('sends each phone one message', async () => {
    for (const { phoneNumber } of flows)
      expect(await readCodes(sandbox.url, phoneNumber)).toHaveLength(1);
  });

  it('ends each old replica with 0, and uses all replicas', () => {
    expect(exits).toEqual([0, 0]);
    expect(servedBy.size).toBe(4);
  });
});
