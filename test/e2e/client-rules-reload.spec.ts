import { minutes, seconds } from '../../src/common/durations.js';
import { startSandbox, type Sandbox } from '../../src/sandbox/sandbox.js';
import { newHashedKey, TestClientsFile } from '../support/clients-file.js';
import { startReplica, type Replica } from '../support/replica.js';
import { startPostgres, type PostgresServer } from '../support/services/postgres.js';
import { scaleTimeLimit } from '../support/time-scale.js';

jest.setTimeout(minutes(2));

/** A change takes effect on every replica within this time. */
const TAKES_EFFECT_MS = scaleTimeLimit(seconds(5));
const WORKERS_PER_REPLICA = 3;
/** Each worker stops after this many responses that follow the new rules. */
const RESPONSES_AFTER_CHANGE = 15;

const shop = newHashedKey();
const OLD = { keys: [shop.hash], allowedCountries: ['CH'], otpTtl: '5m', sendCooldown: '60s' };
const NEW = { keys: [shop.hash], allowedCountries: ['DE'], otpTtl: '2m', sendCooldown: '15s' };

/** The rules that one response follows. */
type FollowedRules = 'old' | 'new' | `neither: ${string}`;

interface ObservedResponse {
  readonly rules: FollowedRules;
  readonly startedAt: number;
}

describe('A change of CLIENTS_FILE under load, on two replicas', () => {
  let file: TestClientsFile;
  let postgres: PostgresServer;
  let sandbox: Sandbox;
  let replicas: Replica[] = [];
  let lastNumber = 0;

  beforeAll(async () => {
    file = new TestClientsFile();
    file.write({ shop: OLD });
    [postgres, sandbox] = await Promise.all([startPostgres(), startSandbox({ port: 0 })]);
    const settings = {
      DATABASE_URL: await postgres.createDatabase(),
      INFOBIP_BASE_URL: sandbox.url,
      CLIENTS_FILE: file.path,
    };
    replicas = await Promise.all([startReplica(settings), startReplica(settings)]);
  });

  afterAll(async () => {
    await Promise.all(replicas.map((replica) => replica.stop()));
    await Promise.all([postgres.stop(), sandbox.close()]);
    file.remove();
  });

  /** Sends to a new number of the country. @returns the rules that the response follows */
  async function observe({ url }: Replica, country: 'CH' | 'DE'): Promise<FollowedRules> {
    lastNumber += 1;
    const line = String(lastNumber).padStart(4, '0');
    const phoneNumber = country === 'CH' ? `+4179302${line}` : `+491511302${line}`;
    const response = await fetch(`${url}/otp/send`, {
      method: 'POST',
      headers: { authorization: `Bearer ${shop.key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ phoneNumber }),
    });
    const body = (await response.json()) as Record<string, string>;
    // `otpTtl` − `sendCooldown`: 5 min − 60 s = 240 s by the old rules, 2 min − 15 s = 105 s by the
    // new ones. A rejection has neither time: NaN.
    const differenceMs =
      Date.parse(body['expiresAt'] ?? '') - Date.parse(body['resendAvailableAt'] ?? '');
    const observed = `${country} ${String(response.status)} ${String(differenceMs / seconds(1))}`;
    if (observed === 'CH 200 240' || observed === 'DE 403 NaN') return 'old';
    if (observed === 'DE 200 105' || observed === 'CH 403 NaN') return 'new';
    return `neither: ${observed}`;
  }

  /** Sends one request after the other, until RESPONSES_AFTER_CHANGE responses follow the new rules. */
  async function keepSending(replica: Replica, responses: ObservedResponse[]): Promise<void> {
    const deadline = Date.now() + TAKES_EFFECT_MS + seconds(10);
    for (let remaining = RESPONSES_AFTER_CHANGE; remaining > 0 && Date.now() < deadline;) {
      const startedAt = Date.now();
      const rules = await observe(replica, responses.length % 2 === 0 ? 'CH' : 'DE');
      responses.push({ rules, startedAt });
      if (rules === 'new') remaining -= 1;
    }
  }

  it('takes effect on both within 5 seconds, and no response mixes old and new rules', async () => {
    const [first] = replicas;
    if (!first) throw new Error('no replica');
    const workers = replicas.flatMap((replica) =>
      Array.from({ length: WORKERS_PER_REPLICA }, () => ({
        replica,
        responses: [] as ObservedResponse[],
      })),
    );
    const running = Promise.all(
      workers.map(({ replica, responses }) => keepSending(replica, responses)),
    );
    // Every worker gets a few responses that follow the old rules.
    while (workers.some(({ responses }) => responses.length < 4)) await observe(first, 'DE');

    file.write({ shop: NEW });
    const changedAt = Date.now();
    await running;

    for (const { responses } of workers) {
      const firstNew = responses.findIndex(({ rules }) => rules === 'new');
      expect(firstNew).toBeGreaterThan(0);
      expect(new Set(responses.slice(0, firstNew).map(({ rules }) => rules))).toEqual(
        new Set(['old']),
      );
      expect(new Set(responses.slice(firstNew).map(({ rules }) => rules))).toEqual(
        new Set(['new']),
      );
      expect((responses[firstNew]?.startedAt ?? Infinity) - changedAt).toBeLessThan(
        TAKES_EFFECT_MS,
      );
    }
  });

  it('that removes a stolen key makes both reject the key within 5 seconds', async () => {
    const newKey = newHashedKey();
    file.write({ shop: { ...NEW, keys: [newKey.hash] } });
    const changedAt = Date.now();
    for (const { url } of replicas) {
      const getStatus = async ({ key }: { key: string }) => {
        const headers = { authorization: `Bearer ${key}` };
        return (await fetch(`${url}/otp/x`, { headers })).status;
      };
      // Not a busy loop: each turn waits for a response.
      while ((await getStatus(shop)) !== 401) {
        expect(Date.now() - changedAt).toBeLessThan(TAKES_EFFECT_MS);
      }
      // The key is accepted, but no verification has this id.
      expect(await getStatus(newKey)).toBe(404);
    }
  });
});
