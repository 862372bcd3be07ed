import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startReplica, type Replica } from '../support/replica.js';
import { freePort } from '../support/services/ports.js';

describe('The service in development', () => {
  let folder: string;
  let replica: Replica;
  let sandboxUrl: string;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'otp-data-'));
    const sandboxPort = String(await freePort());
    sandboxUrl = `http://127.0.0.1:${sandboxPort}`;
    replica = await startReplica({ DATA_DIR: folder, SANDBOX_PORT: sandboxPort });
  });

  afterEach(async () => {
    await replica.stop();
    rmSync(folder, { recursive: true });
  });

  const deliverReports = () => fetch(`${sandboxUrl}/sandbox/reports/deliver`, { method: 'POST' });
  const getDelivery = async (phoneNumber: string) => {
    const { body } = await replica.http.post('/otp/send').send({ phoneNumber }).expect(200);
    await deliverReports();
    for (;;) {
      const { delivery } = (await replica.http.get(`/otp/${body.pinId}`).expect(200)).body;
      // A report that came before the response to the send is shown at most ten seconds later.
      if (delivery.status !== 'pending') return delivery;
    }
  };

  it('shows deliveries without any setting: the sandbox that it starts reports them', async () => {
    const at = expect.any(String);
    expect(await getDelivery('+14155552671')).toEqual({ status: 'delivered', at });

    // Messages to this magic number do not arrive.
    expect(await getDelivery('+12565550100')).toEqual({
      status: 'undelivered',
      reason: 'unreachable',
      at,
    });
  });
});
