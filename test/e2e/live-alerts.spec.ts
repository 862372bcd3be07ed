import { readFileSync } from 'node:fs';
import { minutes } from '../../src/common/durations.js';
import { startMonitoredFleet, type MonitoredFleet } from '../support/monitored-fleet.js';
import { waitUntil } from '../support/wait-until.js';

jest.setTimeout(minutes(2));

/**
 * Checks that faults of a running fleet reach their alerts. An alert that fires only after a minute is
 * `pending` until then; test/unit/alerts.spec.ts checks that it fires afterwards.
 */
describe('The alerts of a running fleet', () => {
  let fleet: MonitoredFleet;

  beforeAll(async () => {
    fleet = await startMonitoredFleet({});
    // Two checks of readiness on each of two replicas.
    const isReady = async () => (await fleet.prometheus.query('otp_ready == 1')).length === 4;
    await waitUntil(isReady);
  });

  afterAll(() => fleet.stop());

  const waitForStates = async (states: Record<string, string>): Promise<void> => {
    for (const [alert, state] of Object.entries(states)) {
      await waitUntil(async () => (await fleet.getAlertState(alert)) === state);
    }
  };

  it('notice that Redis is lost, and that it is back', async () => {
    await waitForStates({ OtpRedisLost: 'inactive', OtpReplicaUnready: 'inactive' });

    await fleet.redis.shutDown();
    await waitForStates({ OtpRedisLost: 'pending', OtpReplicaUnready: 'pending' });
    expect(await fleet.getAlertState('OtpDatabaseLost')).toBe('inactive');

    await fleet.redis.restart();
    await waitForStates({ OtpRedisLost: 'inactive', OtpReplicaUnready: 'inactive' });
  });

  it('notice that PostgreSQL is lost, and that it is back', async () => {
    await fleet.postgres.shutDown();
    await waitForStates({ OtpDatabaseLost: 'pending', OtpReplicaUnready: 'pending' });
    expect(await fleet.getAlertState('OtpRedisLost')).toBe('inactive');

    await fleet.postgres.restart();
    await waitForStates({ OtpDatabaseLost: 'inactive', OtpReplicaUnready: 'inactive' });
  });

  it('notice that CLIENTS_FILE cannot be used, and that it can again', async () => {
    const { path } = fleet.clientsFile;
    const clients = readFileSync(path, 'utf8');
    await waitForStates({ OtpClientsFileInvalid: 'inactive' });

    fleet.clientsFile.writeText('clients: {}');
    await waitForStates({ OtpClientsFileInvalid: 'pending' });

    fleet.clientsFile.writeText(clients);
    await waitForStates({ OtpClientsFileInvalid: 'inactive' });
  });

  it.each([
    // The sandbox answers sends to these magic numbers with that fault.
    ['OtpProviderCreditRefused', 'the account has no credit', '+1203555010'],
    ['OtpProviderCredentialsRefused', 'the provider rejects the key', '+1218555011'],
  ])('fire %s at the third send that fails because %s', async (alert, _fault, magicPrefix) => {
    const send = (lastDigit: number) =>
      fleet.post(fleet.replicas[0], '/otp/send', { phoneNumber: `${magicPrefix}${lastDigit}` });
    const countFailures = async () => {
      const query = 'sum(otp_provider_calls_total{outcome=~"not_accepted|unauthorized"})';
      return Number((await fleet.prometheus.query(query))[0]?.value[1]);
    };
    const failuresBefore = await countFailures();
    await send(1).expect(502);
    await send(2).expect(502);
    await waitUntil(async () => (await countFailures()) === failuresBefore + 2);
    expect(await fleet.getAlertState(alert)).toBe('inactive');

    await send(3).expect(502);

    await waitForStates({ [alert]: 'firing' });
  });

  it('notice that one replica is gone, and do not page for it', async () => {
    await fleet.replicas[1].kill();

    await waitForStates({ OtpReplicaUnready: 'pending' });
    for (const alert of ['OtpAbsent', 'OtpDatabaseLost', 'OtpRedisLost']) {
      expect([alert, await fleet.getAlertState(alert)]).toEqual([alert, 'inactive']);
    }
  });
});
