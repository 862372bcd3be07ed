import type { Agent, Response } from 'supertest';
import { seconds } from '../../src/common/durations.js';
import { createClientAgent, newApiKey } from '../support/api-key.js';
import { queryPostgres } from '../support/services/postgres-client.js';
import { startPostgres, type PostgresServer } from '../support/services/postgres.js';
import { startSandboxedService, type SandboxedService } from '../support/service.js';
import { wrongCode } from '../support/wrong-code.js';

const NUMBER = '+14155552671';
const ATTACKER_NUMBER = '+14155552672';
const shop = newApiKey('shop');
const attacker = newApiKey('attacker');

interface SentCode {
  readonly pinId: string;
  readonly code: string;
}

describe('An attacker who can write the database and has an API key, but not the secret,', () => {
  let postgres: PostgresServer;
  let databaseUrl: string;
  let service: SandboxedService;
  let asShop: Agent;
  let asAttacker: Agent;

  beforeAll(async () => {
    postgres = await startPostgres();
  });

  beforeEach(async () => {
    databaseUrl = await postgres.createDatabase();
    const API_KEYS = `${shop.entry},${attacker.entry}`;
    service = await startSandboxedService({ DATABASE_URL: databaseUrl, API_KEYS });
    asShop = createClientAgent(service.url, shop.key);
    asAttacker = createClientAgent(service.url, attacker.key);
  });

  afterEach(() => service.close());

  afterAll(() => postgres.stop());

  async function send(client: Agent, phoneNumber: string): Promise<SentCode> {
    const { body } = await client.post('/otp/send').send({ phoneNumber }).expect(200);
    const [code = ''] = await service.getReceivedCodes(phoneNumber);
    return { pinId: body.pinId, code };
  }

  /** Verifies a code a millisecond after the last request, so that FIRST_KEY and LAST_KEY differ. */
  const verify = async (client: Agent, key: string, body: object): Promise<Response> => {
    service.clock.advance(1);
    return client.post('/otp/verify').set('idempotency-key', key).send(body);
  };

  const write = (statement: string) => queryPostgres(databaseUrl, statement);

  const FIRST_KEY = 'created_at = (select min(created_at) from idempotency_keys)';
  const LAST_KEY = 'created_at = (select max(created_at) from idempotency_keys)';

  const toResults = (responses: readonly Response[]) =>
    responses.map(({ status, body }) => [status, body.code]);
  const UNREADABLE = [410, 'stored_data_unreadable'];

  it('cannot read, verify or resend the verification of another client by changing its client', async () => {
    const { pinId, code } = await send(asShop, NUMBER);
    service.clock.advance(seconds(30));

    await write("update verifications set client = 'attacker'");
    const responses = [
      await asAttacker.get(`/otp/${pinId}`),
      await asAttacker.post('/otp/resend').send({ pinId }),
      await asAttacker.post('/otp/verify').send({ pinId, otpCode: code }),
    ];

    expect(toResults(responses)).toEqual([UNREADABLE, UNREADABLE, UNREADABLE]);
    expect(await service.getReceivedCodes(NUMBER)).toHaveLength(1);
  });

  it('cannot have a code that the shop sent to its own phone accepted for another number', async () => {
    const victim = await send(asShop, NUMBER);
    const own = await send(asShop, ATTACKER_NUMBER);

    const setNumberHash = (value: string, pinId: string) =>
      `update verifications set number_hash = '${value}' where pin_id = '${pinId}'`;
    const numberHash = await write(
      `select number_hash from verifications where pin_id = '${victim.pinId}'`,
    );
    // Only one verification of a number may be pending.
    await write(setNumberHash('', victim.pinId));
    await write(setNumberHash(numberHash, own.pinId));
    const request = { phoneNumber: NUMBER, otpCode: own.code };
    const response = await asShop.post('/otp/verify').send(request);

    expect(toResults([response])).toEqual([UNREADABLE]);
  });

  it('cannot have a code that the shop sent to its own phone accepted for another pinId', async () => {
    const victim = await send(asShop, NUMBER);
    const own = await send(asShop, ATTACKER_NUMBER);

    await write(`update verifications set sealed = (
      select sealed from verifications where pin_id = '${own.pinId}')`);
    const request = { pinId: victim.pinId, otpCode: own.code };
    const response = await asShop.post('/otp/verify').send(request);

    expect(toResults([response])).toEqual([UNREADABLE]);
  });

  it('cannot copy its stored success to the request of another client', async () => {
    const own = await send(asAttacker, ATTACKER_NUMBER);
    const { pinId, code } = await send(asShop, NUMBER);
    await verify(asAttacker, 'own', { pinId: own.pinId, otpCode: own.code });
    const request = { pinId, otpCode: wrongCode(code) };
    const first = await verify(asShop, 'key', request);

    // The run as well: earlier formats bound a response only to its run.
    await write(`update idempotency_keys set (run, sealed_answer) = (
      select run, sealed_answer from idempotency_keys where ${FIRST_KEY}) where ${LAST_KEY}`);
    const repeated = await verify(asShop, 'key', request);

    expect(first.body).toMatchObject({ verified: false, reason: 'wrong_code' });
    expect(toResults([repeated])).toEqual([UNREADABLE]);
  });

  it('cannot get a stored success again by moving it to a second key', async () => {
    const own = await send(asAttacker, ATTACKER_NUMBER);
    const other = await send(asAttacker, NUMBER);
    const request = { pinId: own.pinId, otpCode: own.code };
    await verify(asAttacker, 'first', request);
    const wrong = { pinId: other.pinId, otpCode: wrongCode(other.code) };
    await verify(asAttacker, 'second', wrong);

    const keyHash = await write(
      `delete from idempotency_keys where ${LAST_KEY} returning key_hash`,
    );
    await write(`update idempotency_keys set key_hash = '${keyHash}'`);
    const response = await verify(asAttacker, 'second', request);

    expect(toResults([response])).toEqual([UNREADABLE]);
  });

  it('cannot get a stored success for another request with the same key', async () => {
    const own = await send(asAttacker, ATTACKER_NUMBER);
    const other = await send(asAttacker, NUMBER);
    const request = { pinId: other.pinId, otpCode: wrongCode(other.code) };
    await verify(asAttacker, 'key', { pinId: own.pinId, otpCode: own.code });
    await verify(asAttacker, 'second', request);

    await write(`update idempotency_keys set request_hash = (
      select request_hash from idempotency_keys where ${LAST_KEY})`);
    const response = await verify(asAttacker, 'key', request);

    expect(toResults([response])).toEqual([UNREADABLE]);
  });

  it.each([
    ['a verification', 'a stored response', 'verifications', 'sealed', 'sealed_answer'],
    [
      'a stored response',
      'the fields of a verification',
      'idempotency_keys',
      'sealed_answer',
      'sealed',
    ],
  ])('cannot replace the encrypted value of %s by %s', async (_to, _from, table, to, from) => {
    const { pinId, code } = await send(asAttacker, ATTACKER_NUMBER);
    const request = { pinId, otpCode: wrongCode(code) };
    await verify(asAttacker, 'key', request);

    await write(
      `update ${table} set ${to} = (select ${from} from idempotency_keys, verifications)`,
    );
    const response =
      table === 'verifications'
        ? await asAttacker.get(`/otp/${pinId}`)
        : await verify(asAttacker, 'key', request);

    expect(toResults([response])).toEqual([UNREADABLE]);
  });

  // The suffix of a value is the number of its format, now 2. Values of earlier formats could be moved.
  it.each([
    ['format 1', "replace(sealed, '.2', '.1')"],
    ['the format without a number', "replace(sealed, '.2', '')"],
  ])('cannot take over a verification by marking its value as %s', async (_format, expression) => {
    const { pinId } = await send(asShop, NUMBER);

    await write(`update verifications set client = 'attacker', sealed = ${expression}`);

    expect(toResults([await asAttacker.get(`/otp/${pinId}`)])).toEqual([UNREADABLE]);
  });
});
