import pg from 'pg';
import supertest, { type Agent, type Response } from 'supertest';
import { minutes, seconds } from '../../src/common/durations.js';
import { queryPostgres } from '../support/services/postgres-client.js';
import { startPostgres, type PostgresServer } from '../support/services/postgres.js';
import { watchPinId } from '../support/watch-pin-id.js';
import { wrongCode } from '../support/wrong-code.js';
import { holdSends } from './support/hold-sends.js';
import { startExample, type RunningExample } from './support/running-example.js';

jest.setTimeout(minutes(3));

let lastNumber = 4_155_580_000;
/** A number that no other test uses. */
const nextNumber = (): string => `+1${String((lastNumber += 7))}`;
const PASSWORD = 'correct horse battery';
const NEW_PASSWORD = 'staple battery horse';
/** The service knows the length of their code. It does not know the length of Sinch's codes. */
const TEST_NUMBERS = ['+15550001111', '+15550002222'] as const;
const TEST_CODE = '123456';

/** Each new session waits until no connection holds the advisory lock 1. */
const HOLD_NEW_SESSIONS = [
  `CREATE FUNCTION wait_for_lock() RETURNS trigger LANGUAGE plpgsql
   AS 'BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NEW; END'`,
  `CREATE TRIGGER wait_for_lock BEFORE INSERT ON session
   FOR EACH ROW EXECUTE FUNCTION wait_for_lock()`,
];
const SELECT_HELD_SESSIONS = `SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`;
const END_OTHER_CONNECTIONS = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
    AND datname = current_database()`;

describe('The Express example with PostgreSQL', () => {
  let postgres: PostgresServer;
  let databaseUrl: string;
  let example: RunningExample;
  let http: Agent;

  beforeAll(async () => {
    postgres = await startPostgres();
    databaseUrl = await postgres.createDatabase();
    example = await startExample('express-postgres', {
      settings: { DATABASE_URL: databaseUrl, REQUESTS_PER_HOUR: '1000' },
      serviceSettings: {
        TEST_NUMBERS: TEST_NUMBERS.map((number) => `${number}:${TEST_CODE}`).join(),
      },
    });
  }, minutes(10));

  afterAll(async () => {
    await example.close();
    await postgres.stop();
  });

  beforeEach(() => {
    http = supertest.agent(example.url);
  });

  const readCodes = (number: string) => example.service.getReceivedCodes(number);
  const readCode = async (number: string): Promise<string> => (await readCodes(number))[0] ?? '';

  /** Registers a new number, and returns it and the code that was sent to it. */
  async function register(agent = http, phoneNumber = nextNumber()) {
    await agent.post('/register').send({ phoneNumber, password: PASSWORD }).expect(202);
    return { phoneNumber, code: await readCode(phoneNumber) };
  }

  /** Registers a new number and verifies it. */
  async function createAccount(): Promise<string> {
    const { phoneNumber, code } = await register();
    await http.post('/verify-phone').send({ code }).expect(200);
    return phoneNumber;
  }

  /** Requests a code for a password reset, and returns it. */
  async function requestReset(phoneNumber: string): Promise<string> {
    await supertest(example.url).post('/forgot-password').send({ phoneNumber }).expect(202);
    return readCode(phoneNumber);
  }

  const resetPassword = (phoneNumber: string, code: string, password = NEW_PASSWORD) =>
    supertest(example.url).post('/reset-password').send({ phoneNumber, code, password });

  const login = (phoneNumber: string, password: string) =>
    supertest(example.url).post('/login').send({ phoneNumber, password });

  /** The status and the body, without the seconds to wait. */
  const withoutTime = ({ status, body }: Response) => ({
    status,
    body: JSON.stringify(body).replaceAll(/\d+/g, '0'),
  });

  it('verifies the number of a new user with the right code', async () => {
    const { phoneNumber, code } = await register();
    await http.get('/account').expect(401);
    await login(phoneNumber, PASSWORD).expect(401);

    const verified = await http.post('/verify-phone').send({ code }).expect(200);

    expect(verified.get('set-cookie')?.[0]).toMatch(/; HttpOnly; SameSite=Strict$/);
    expect((await http.get('/account').expect(200)).body).toEqual({
      phoneNumber,
      isPhoneVerified: true,
    });
    await login(phoneNumber, PASSWORD).expect(200);
    await login(phoneNumber, NEW_PASSWORD).expect(401);
  });

  it('answers 401 to a wrong code, which ends a verification of Sinch, and sends a new one', async () => {
    const { phoneNumber, code } = await register();
    const wrong = await http
      .post('/verify-phone')
      .send({ code: wrongCode(code) })
      .expect(401);
    expect(wrong.body).toEqual({
      error: 'attempts_exhausted',
      message: 'That is not the code. Ask for a new one.',
    });
    const early = await http.post('/resend-otp').expect(429);
    expect(early.body.message).toMatch(/^Please wait (2\d|30) seconds, then try again\.$/);

    example.service.clock.advance(seconds(30));
    await http.post('/resend-otp').expect(202);
    await http
      .post('/verify-phone')
      .send({ code: await readCode(phoneNumber) })
      .expect(200);
  });

  it('rejects a code that has expired', async () => {
    const { code } = await register();
    example.service.clock.advance(minutes(5));
    const answer = await http.post('/verify-phone').send({ code }).expect(401);
    expect(answer.body.error).toBe('expired');
  });

  it('gives a number to the one of two users who verifies it first', async () => {
    const other = supertest.agent(example.url);
    const { phoneNumber, code } = await register();
    await http.post('/verify-phone').send({ code }).expect(200);
    example.service.clock.advance(seconds(30));
    const again = await register(other, phoneNumber);

    const answer = await other.post('/verify-phone').send({ code: again.code }).expect(409);
    expect(answer.body.error).toBe('number_taken');
    await other.get('/account').expect(401);
  });

  it('resets a password with a code, and ends the sessions of the user', async () => {
    const phoneNumber = await createAccount();
    example.service.clock.advance(seconds(30));
    const code = await requestReset(phoneNumber);
    await resetPassword(phoneNumber, code).expect(200);

    await login(phoneNumber, PASSWORD).expect(401);
    await login(phoneNumber, NEW_PASSWORD).expect(200);
    await http.get('/account').expect(401);
    await resetPassword(phoneNumber, code, PASSWORD).expect(401);
  });

  it('keeps a user signed out after a logout, even if a registration was running', async () => {
    await createAccount();
    const held = holdSends(example.service);
    const registration = { phoneNumber: nextNumber(), password: PASSWORD };
    const registering = http.post('/register').send(registration).then();
    await Promise.race([held.arrived, registering]);
    await http.post('/logout').expect(204);
    held.release();

    const { status, body } = await registering;
    await http.get('/account').expect(401);
    expect([status, body.error]).toEqual([409, 'signed_in']);
  });

  it('ends the session of a login that checked the old password before the reset', async () => {
    const phoneNumber = await createAccount();
    example.service.clock.advance(seconds(30));
    const code = await requestReset(phoneNumber);
    const lock = new pg.Client({ connectionString: databaseUrl });
    await lock.connect();
    await lock.query('SELECT pg_advisory_lock(1)');
    await queryPostgres(databaseUrl, ...HOLD_NEW_SESSIONS);

    const browser = supertest.agent(example.url);
    const loggedIn = browser
      .post('/login')
      .send({ phoneNumber, password: PASSWORD })
      .then(({ status }) => status);
    try {
      while ((await queryPostgres(databaseUrl, SELECT_HELD_SESSIONS)) === '');
      await resetPassword(phoneNumber, code).expect(200);
    } finally {
      await lock.end();
    }

    expect(await loggedIn).toBe(200);
    await browser.get('/account').expect(401);
  });

  it('does not reset a password with the code of a registration', async () => {
    const phoneNumber = await createAccount();
    example.service.clock.advance(seconds(30));
    const { code } = await register(supertest.agent(example.url), phoneNumber);
    await resetPassword(phoneNumber, code).expect(401);
    await login(phoneNumber, PASSWORD).expect(200);
  });

  it('answers the same whether or not a number has an account', async () => {
    const known = await createAccount();
    const unknown = nextNumber();
    example.service.clock.advance(seconds(30));
    const ask = (path: string, phoneNumber: string, body: object) =>
      supertest(example.url)
        .post(path)
        .send({ phoneNumber, ...body })
        .then(withoutTime);
    const wrongReset = { code: '0000', password: NEW_PASSWORD };

    for (const [path, body] of [
      ['/forgot-password', {}],
      // Rejected, because a code was sent to both numbers just now.
      ['/register', { password: PASSWORD }],
      ['/reset-password', wrongReset],
      ['/login', { password: NEW_PASSWORD }],
    ] as const) {
      expect(await ask(path, known, body)).toEqual(await ask(path, unknown, body));
    }
    example.service.clock.advance(seconds(30));
    expect(await ask('/register', known, { password: PASSWORD })).toEqual(
      await ask('/register', unknown, { password: PASSWORD }),
    );
    expect(await readCodes(unknown)).toHaveLength(2);
  });

  it('answers the same to a code of a wrong length whether or not a number has an account', async () => {
    const [known, unknown] = TEST_NUMBERS;
    await register(http, known);
    await http.post('/verify-phone').send({ code: TEST_CODE }).expect(200);
    example.service.clock.advance(seconds(30));
    await requestReset(known);
    await requestReset(unknown);

    const answer = await resetPassword(known, '1234').then(withoutTime);

    expect(answer).toEqual(await resetPassword(unknown, '1234').then(withoutTime));
  });

  it('changes nothing if a number without an account gives the right code', async () => {
    const { phoneNumber } = await register();
    example.service.clock.advance(seconds(30));
    const code = await requestReset(phoneNumber);
    const select = `SELECT * FROM users WHERE phone_number = '${phoneNumber}'`;
    const before = await queryPostgres(databaseUrl, select);

    const answer = await resetPassword(phoneNumber, code).then(withoutTime);

    expect(answer).toEqual(await resetPassword(phoneNumber, wrongCode(code)).then(withoutTime));
    expect(answer.status).toBe(401);
    expect(await queryPostgres(databaseUrl, select)).toBe(before);
    await login(phoneNumber, NEW_PASSWORD).expect(401);
  });

  it('keeps answering after PostgreSQL has closed its idle connections', async () => {
    await createAccount();
    while ((await queryPostgres(databaseUrl, END_OTHER_CONNECTIONS)) !== '');

    // A request without a session needs no connection. It fails if the process has ended.
    while (!example.output.includes('A connection to PostgreSQL broke'))
      await supertest(example.url).get('/account').expect(401);
    await http.get('/account').expect(200);
  });

  it('stores passwords as hashes of scrypt, and applies each migration once', async () => {
    await createAccount();
    const hashes = await queryPostgres(databaseUrl, 'SELECT password_hash FROM users');
    const migrations = await queryPostgres(databaseUrl, 'SELECT name FROM migrations ORDER BY id');
    expect(hashes).toMatch(/^(scrypt\$32768\$8\$3\$[\w+/=]+\$[\w+/=]+\n?)+$/);
    expect(migrations).toBe('001_users\n002_sessions\n003_session_version');
  });

  it.each([
    ['a short password', '/register', { phoneNumber: '+14155602671', password: 'short' }, 400],
    ['another spelling of a number', '/forgot-password', { phoneNumber: '+1 415 560 2671' }, 400],
    ['a code before a registration', '/verify-phone', { code: '1234' }, 409],
    ['an unknown field', '/verify-phone', { code: '1234', pinId: 'x' }, 400],
  ])('rejects %s', async (_what, path, body, status) => {
    await http.post(path).send(body).expect(status);
  });

  it('rejects requests from pages of other origins', async () => {
    const { code } = await register();
    await http
      .post('/verify-phone')
      .set('origin', 'https://example.com')
      .send({ code })
      .expect(403);
  });

  it('shows no pinId, API key or code in an answer, and no number or password in its log', async () => {
    const getPinId = watchPinId(example.service);
    const { phoneNumber, code } = await register();
    const pinId = await getPinId();
    const answers = [
      await http.post('/verify-phone').send({ code: wrongCode(code) }),
      await http.get('/account'),
    ];
    const received = JSON.stringify(answers.map(({ headers, body }) => [headers, body]));
    for (const secret of [pinId, example.apiKey, 'pinId']) expect(received).not.toContain(secret);
    // Other headers have numbers of four digits, which a code could be too.
    const content = answers.map(({ headers, body }) => [headers['set-cookie'], body]);
    expect(JSON.stringify(content)).not.toContain(code);
    for (const secret of [pinId, example.apiKey, phoneNumber.slice(1), PASSWORD, 'session=']) {
      expect(example.output).not.toContain(secret);
    }
  });
});
