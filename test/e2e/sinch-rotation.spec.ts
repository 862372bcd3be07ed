import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startSandbox, type Sandbox } from '../../src/sandbox/sandbox.js';
import { FakeClock } from '../support/fake-clock.js';
import { SINCH_APPLICATION } from '../support/sandbox.js';
import { readCodes } from '../support/sandbox-calls.js';
import { startService, type RunningService } from '../support/service.js';

/** Of the application in the sandbox, and of the other one during a rotation. */
const { key: KEY, secret: SECRET } = SINCH_APPLICATION;
const OTHER_KEY = '11111111-2222-4333-8444-555555555555';
const OTHER_SECRET = 'YW5vdGhlciBzZWNyZXQ=';

const createCredentials = (key: string, secret: string): NodeJS.ProcessEnv => ({
  SINCH_APPLICATION_KEY: key,
  SINCH_APPLICATION_SECRET: secret,
});

/** By what is replaced: the credentials of a replica that sends, and of one that gets the callbacks. */
const ROTATIONS: [name: string, sender: NodeJS.ProcessEnv, receiver: NodeJS.ProcessEnv][] = [
  [
    'application',
    createCredentials(`${KEY},${OTHER_KEY}`, `${SECRET},${OTHER_SECRET}`),
    createCredentials(`${OTHER_KEY},${KEY}`, `${OTHER_SECRET},${SECRET}`),
  ],
  [
    'secret',
    createCredentials(KEY, `${SECRET},${OTHER_SECRET}`),
    createCredentials(KEY, `${OTHER_SECRET},${SECRET}`),
  ],
];

describe('During a rotation of Sinch’s credentials', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'otp-data-'));
  const clock = new FakeClock();
  let sandbox: Sandbox;
  let replicas: RunningService[];
  let numberCount = 0;

  beforeAll(async () => {
    sandbox = await startSandbox({ port: 0, now: () => clock.now() });
  });
  beforeEach(() => {
    replicas = [];
  });
  afterEach(async () => {
    for (const replica of replicas) await replica.close();
  });
  afterAll(async () => {
    await sandbox.close();
    rmSync(dataDir, { recursive: true });
  });

  const createNumber = () => `+4179302672${String((numberCount += 1))}`;

  /** Starts a replica that sends, and one that gets the callbacks. @returns the first one */
  async function startReplicas(...credentials: NodeJS.ProcessEnv[]): Promise<RunningService> {
    for (const account of credentials) {
      const settings = {
        ...{ PROVIDERS: 'sinch', SINCH_BASE_URL: sandbox.url, SINCH_REPORTS: 'true' },
        ...{ PUBLIC_URL: 'https://otp.example.test', DATA_DIR: dataDir, ...account },
      };
      replicas.push(await startService(settings, clock));
    }
    const [sender, receiver] = replicas;
    if (!sender || !receiver) throw new Error('There must be two replicas.');
    sandbox.setReportUrls({ sinchCallbackUrl: `${receiver.url}/provider-reports/sinch` });
    return sender;
  }

  it.each(ROTATIONS)(
    'of the %s, a replica accepts the callbacks of what the other replica sends',
    async (_name, senderCredentials, receiverCredentials) => {
      const phoneNumber = createNumber();
      const sender = await startReplicas(senderCredentials, receiverCredentials);

      const { body } = await sender.http.post('/otp/send').send({ phoneNumber }).expect(200);
      const [otpCode = ''] = await readCodes(sandbox.url, phoneNumber);
      await sender.http.post('/otp/verify').send({ pinId: body.pinId, otpCode }).expect(200);
    },
  );

  it('a replica refuses the callbacks of an application that it does not list', async () => {
    const other = createCredentials(OTHER_KEY, OTHER_SECRET);
    const sender = await startReplicas(createCredentials(KEY, SECRET), other);

    await sender.http.post('/otp/send').send({ phoneNumber: createNumber() }).expect(502);
  });
});
