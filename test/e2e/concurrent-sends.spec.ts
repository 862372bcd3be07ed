import { queryPostgres } from '../support/services/postgres-client.js';
import { startPostgres, type PostgresServer } from '../support/services/postgres.js';
import { startSandboxedService, type SandboxedService } from '../support/service.js';
import { scaleTimeLimit } from '../support/time-scale.js';

/** Five times the connections in the pool. */
const SENDS = 100;

/** Makes every commit that writes a verification take 50 ms. */
const SLOW_COMMITS = [
  `create function slow_commit() returns trigger language plpgsql as
   'begin perform pg_sleep(0.05); return null; end'`,
  `create constraint trigger slow_commit after insert or update on verifications
   deferrable initially deferred for each row execute function slow_commit()`,
];

describe('A hundred sends at once while PostgreSQL commits slowly', () => {
  let postgres: PostgresServer;
  let url: string;
  let service: SandboxedService;

  beforeAll(async () => {
    postgres = await startPostgres();
    url = await postgres.createDatabase();
    service = await startSandboxedService({
      DATABASE_URL: url,
      THROTTLE_SEND_LIMIT: '1000',
      PUMPING_GUARD: 'off',
      PROVIDER_TIMEOUT: `${scaleTimeLimit(5_000)}ms`,
    });
    await queryPostgres(url, ...SLOW_COMMITS);
  });

  afterAll(async () => {
    await service.close();
    await postgres.stop();
  });

  it('wait for a connection of the pool and all succeed', async () => {
    const responses = await Promise.all(
      Array.from({ length: SENDS }, (_, i) =>
        service.http.post('/otp/send').send({ phoneNumber: `+1415${String(200 + i)}1234` }),
      ),
    );

    expect(responses.map(({ status }) => status)).toEqual(Array(SENDS).fill(200));

    // Their counts are in many rows, because one row stays locked until the commit. This fails with
    // one row, or with four chosen at random, as `SHARD` in postgres.ts.
    const countRows = "select count(*) from traffic where subject = 'country:US'";
    expect(Number(await queryPostgres(url, countRows))).toBeGreaterThan(6);
  });
});
