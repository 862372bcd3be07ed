import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Libsql from 'libsql';
import { minutes } from '../../src/common/durations.js';
import { startSandbox, type Sandbox } from '../../src/sandbox/sandbox.js';
import { startEventReceiver, type EventReceiver } from '../support/event-receiver.js';
import { startReplica, type Replica } from '../support/replica.js';
import { hang, reply } from '../support/scripted-upstream.js';
import { queryPostgres } from '../support/services/postgres-client.js';
import { startPostgres, type PostgresServer } from '../support/services/postgres.js';
import { waitUntil } from '../support/wait-until.js';

jest.setTimeout(minutes(2));

const ACCEPTED = reply(204, '');
/** Makes waiting events due, as if the minute had passed for which a killed replica claimed them. */
const END_CLAIMS = "update outbox set due_at = 0 where state = 'waiting'";

describe('Events of replicas', () => {
  let postgres: PostgresServer;
  let sandbox: Sandbox;
  let receiver: EventReceiver;
  let dataDir: string;
  let replicas: Replica[] = [];

  beforeAll(async () => {
    [postgres, sandbox] = await Promise.all([startPostgres(), startSandbox({ port: 0 })]);
  });

  afterAll(() => Promise.all([postgres.stop(), sandbox.close()]));

  beforeEach(async () => {
    receiver = await startEventReceiver();
    dataDir = mkdtempSync(join(tmpdir(), 'otp-events-'));
  });

  afterEach(async () => {
    await Promise.all(replicas.map((replica) => replica.kill()));
    replicas = [];
    await receiver.close();
    rmSync(dataDir, { recursive: true });
  });

  async function start(settings: NodeJS.ProcessEnv): Promise<Replica> {
    const all = { ...receiver.settings, INFOBIP_BASE_URL: sandbox.url, ...settings };
    const replica = await startReplica(all);
    replicas.push(replica);
    return replica;
  }

  /** Sends and then cancels a verification, which has an event. @returns its pinId */
  async function cancel({ http }: Replica, phoneNumber: string): Promise<string> {
    const { body } = await http.post('/otp/send').send({ phoneNumber }).expect(200);
    await http.delete(`/otp/${body.pinId}`).expect(204);
    return body.pinId;
  }

  it('are each sent once, whichever replica ended the verification', async () => {
    const settings = { DATABASE_URL: await postgres.createDatabase() };
    const [first, second] = [await start(settings), await start(settings)];
    const numbers = Array.from({ length: 40 }, (_, i) => `+141555527${String(10 + i)}`);

    const pinIds = await Promise.all(
      numbers.map((number, i) => cancel(i % 2 === 0 ? first : second, number)),
    );
    await waitUntil(() => receiver.requests.length >= 40);
    await Promise.all([first.stop(), second.stop()]);

    const sent = receiver.getEvents().map(({ data }) => data['pinId']);
    expect(sent.sort()).toEqual(pinIds.sort());
  });

  describe.each(['SQLite', 'PostgreSQL'])('on %s', (engine) => {
    let settings: NodeJS.ProcessEnv;
    let endClaims: () => Promise<unknown>;

    beforeEach(async () => {
      if (engine === 'PostgreSQL') {
        const DATABASE_URL = await postgres.createDatabase();
        settings = { DATABASE_URL };
        endClaims = () => queryPostgres(DATABASE_URL, END_CLAIMS);
        return;
      }
      settings = { DATA_DIR: dataDir };
      endClaims = async () => {
        const database = new Libsql(join(dataDir, 'otp.db'));
        database.exec(END_CLAIMS);
        database.close();
      };
    });

    it.each([
      ['between the commit and the post', 0],
      ['during the post', 1],
    ])('are sent by the next replica if one was killed %s', async (_when, minPosts) => {
      receiver.answer(hang);
      const killed = await start(settings);
      const pinId = await cancel(killed, '+14155552671');
      await waitUntil(() => receiver.requests.length >= minPosts);
      await killed.kill();
      const postsBefore = receiver.requests.length;
      await endClaims();

      receiver.answer(ACCEPTED);
      const replica = await start(settings);
      await waitUntil(() => receiver.requests.length > postsBefore);
      await replica.stop();
      // The accepted event is not sent once more, so the next post is that of another event.
      await endClaims();
      const other = await start(settings);
      await cancel(other, '+14155552672');
      await waitUntil(() => receiver.requests.length > postsBefore + 1);

      const accepted = receiver.getEvents().slice(postsBefore);
      expect(accepted).toHaveLength(2);
      expect(accepted[0]).toMatchObject({ type: 'verification.cancelled', data: { pinId } });
      expect(new Set(receiver.getIds().slice(0, postsBefore + 1)).size).toBe(1);
    });
  });
});
