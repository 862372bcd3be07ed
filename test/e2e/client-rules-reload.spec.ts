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
/** Each worker stops after this many answers that follow the new rules. */
const ANSWERS_AFTER_CHANGE = 15;

const shop = newHashedKey();
const OLD = { keys: [shop.hash], allowedCountries: ['CH'], otpTtl: '5m', sendCooldown: '60s' };
const NEW = { keys: [shop.hash], allowedCountries: ['DE'], otpTtl: '2m', sendCooldown: '15s' };

/** The rules that one answer follows. */
type Answer = 'old' | 'new' | `neither: ${string}`;

interface ObservedAnswer {
  readonly answer: Answer;
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

  /** Sends to a new number of the country. @returns the rules that the answer follows */
  async function observe({ url }: Replica, country: 'CH' | 'DE'): Promise<Answer> {
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

  /** Sends one request after the other, until ANSWERS_AFTER_CHANGE answers follow the new rules. */
  async function keepSending(replica: Replica, answers: ObservedAnswer[]): Promise<void> {
    const deadline = Date.now() + TAKES_EFFECT_MS + seconds(10);
    for (let remaining = ANSWERS_AFTER_CHANGE; remaining > 0 && Date.now() < deadline;) {
      const startedAt = Date.now();
      const answer = await observe(replica, answers.length % 2 === 0 ? 'CH' : 'DE');
      answers.push({ answer, startedAt });
      if (answer === 'new') remaining -= 1;
    }
  }

  it('takes effect on both within 5 seconds, and no answer mixes old and new rules', async () => {
    const [first] = replicas;
    if (!first) throw new Error('no replica');
    const workers = replicas.flatMap((replica) =>
      Array.from({ length: WORKERS_PER_REPLICA }, () => ({
        replica,
        answers: [] as ObservedAnswer[],
      })),
    );
    const running = Promise.all(
      workers.map(({ replica, answers }) => keepSending(replica, answers)),
    );
    // Every worker gets a few answers that follow the old rules.
    while (workers.some(({ answers }) => answers.length < 4)) await observe(first, 'DE');

    file.write({ shop: NEW });
    const changedAt = Date.now();
    await running;

    for (const { answers } of workers) {
      const firstNew = answers.findIndex(({ answer }) => answer === 'new');
      expect(firstNew).toBeGreaterThan(0);
      expect(new Set(answers.slice(0, firstNew).map(({ answer }) => answer))).toEqual(
        new Set(['old']),
      );
      expect(new Set(answers.slice(firstNew).map(({ answer }) => answer))).toEqual(
        new Set(['new']),
      );
      expect((answers[firstNew]?.startedAt ?? Infinity) - changedAt).toBeLessThan(TAKES_EFFECT_MS);
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
