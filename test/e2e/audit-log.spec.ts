import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Agent } from 'supertest';
import { hours, minutes, seconds } from '../../src/common/durations.js';
import { createClientAgent, newApiKey } from '../support/api-key.js';
import { SecretScanner } from '../support/leak/secret-scanner.js';
import { startRedis } from '../support/services/redis.js';
import { startSandboxedService, type SandboxedService } from '../support/service.js';
import { wrongCode } from '../support/wrong-code.js';

const PAGE = readFileSync('docs/audit-log.md', 'utf8');
const NUMBER = '+14155552671';
const shop = newApiKey('shop');
const bank = newApiKey('bank');

describe('The audit log', () => {
  let service: SandboxedService;
  let http: Agent;

  const start = async (settings: NodeJS.ProcessEnv = {}) => {
    const API_KEYS = `${shop.entry},${bank.entry}`;
    service = await startSandboxedService({ API_KEYS, ...settings });
    http = createClientAgent(service.url, shop.key);
  };
  const send = (phoneNumber = NUMBER) => http.post('/otp/send').send({ phoneNumber });
  const readLines = () => service.log.events('audit');
  /** The lines without the fields that every line has. */
  const readEntries = () =>
    readLines().map(({ level, time, msg, kind, requestId, ...entry }) => {
      expect({ level, msg, kind }).toEqual({ level: 'info', msg: 'audit', kind: 'audit' });
      expect([typeof time, typeof requestId]).toEqual(['string', 'string']);
      return entry;
    });

  afterEach(() => service.close());

  it('has a line for each look-up, erase and cancellation, with its client and outcome', async () => {
    await start();
    const { pinId } = (await send().expect(200)).body;
    await http.post('/otp/numbers/lookup').send({ phoneNumber: NUMBER }).expect(200);
    const other = createClientAgent(service.url, bank.key);
    await other.delete(`/otp/${pinId}`).expect(404);
    await http.delete(`/otp/${pinId}`).expect(204);
    await http.post('/otp/numbers/erase').send({ phoneNumber: NUMBER }).expect(204);
    await http.post('/otp/numbers/erase').send({ phoneNumber: '1' }).expect(400);

    expect(readEntries()).toEqual([
      { action: 'look_up', outcome: 'done', client: 'shop' },
      { action: 'cancel', outcome: 'failed', reason: 'verification_not_found', client: 'bank' },
      { action: 'cancel', outcome: 'done', client: 'shop' },
      { action: 'erase', outcome: 'done', client: 'shop' },
      { action: 'erase', outcome: 'failed', reason: 'validation_failed', client: 'shop' },
    ]);
  });

  it('has no line for a send, verify or status request, whether it succeeds or is invalid', async () => {
    await start();
    const { pinId } = (await send().expect(200)).body;
    const [otpCode = ''] = await service.getReceivedCodes(NUMBER);
    for (const code of [wrongCode(otpCode), otpCode]) {
      await http.post('/otp/verify').send({ pinId, otpCode: code }).expect(200);
    }
    await http.get(`/otp/${pinId}`).expect(200);
    await send('nonsense').expect(400);
    await http.get('/otp/unknown').expect(404);

    expect(readLines()).toEqual([]);
  });

  it('has the X-Request-Id of the request in its line', async () => {
    await start();
    const requestId = 'audited-request';
    await http
      .post('/otp/numbers/erase')
      .set('x-request-id', requestId)
      .send({ phoneNumber: NUMBER });

    expect(readLines()).toMatchObject([{ requestId }]);
  });

  it.each([
    ['a blocked country', { ALLOWED_COUNTRIES: 'CH' }, 'destination_not_allowed', undefined],
    ['a blocked prefix', { BLOCKED_PREFIXES: NUMBER }, 'destination_not_allowed', undefined],
    ['a limit of the client', { CLIENT_SENDS_PER_DAY: '1' }, 'quota_exceeded', 'client_sends'],
    ['the cooldown', { CLIENT_SENDS_PER_DAY: '2' }, 'cooldown_active', 'cooldown'],
  ])('names %s as the reason of a refused send', async (_what, settings, reason, limit) => {
    await start(settings);
    if (limit !== undefined) await send(limit === 'cooldown' ? NUMBER : '+14155552672').expect(200);
    expect((await send()).body.code).toBe(reason);

    expect(readEntries()).toEqual([
      {
        action: 'send',
        outcome: 'refused',
        reason,
        ...(limit && { limit }),
        client: 'shop',
        country: 'US',
      },
    ]);
  });

  it('has a line for each refused send to a suspended destination, refused resend and verify', async () => {
    await start({
      PUMPING_FLOOR_PER_HOUR: '1',
      FAILED_ATTEMPTS_PER_NUMBER_PER_HOUR: '1',
      THROTTLE_SEND_LIMIT: '1000',
    });
    // A prefix may get 26 messages: the floor of 1, and the burst allowance of 25.
    const sends = Array.from({ length: 27 }, (_, i) => send(`+1415555${String(2_000 + i)}`));
    const [first, second] = await Promise.all(sends);
    const [otpCode = ''] = await service.getReceivedCodes('+14155552000');
    const attempt = { pinId: first?.body.pinId, otpCode: wrongCode(otpCode) };
    await http.post('/otp/verify').send(attempt).expect(200);
    await http.post('/otp/verify').send(attempt).expect(429);
    await http.post('/otp/resend').send({ pinId: second?.body.pinId }).expect(429);

    expect(readEntries()).toEqual([
      {
        action: 'send',
        outcome: 'refused',
        reason: 'destination_suspended',
        client: 'shop',
        country: 'US',
      },
      {
        action: 'verify',
        outcome: 'refused',
        reason: 'quota_exceeded',
        limit: 'failures',
        client: 'shop',
      },
      {
        action: 'resend',
        outcome: 'refused',
        reason: 'cooldown_active',
        limit: 'cooldown',
        client: 'shop',
        country: 'US',
      },
    ]);
  });

  it.each(['in process', 'in Redis'])(
    'has one line a minute for a client that exceeds its rate limit, if requests are counted %s',
    async (storage) => {
      const redis = storage === 'in Redis' ? await startRedis() : undefined;
      await start({ THROTTLE_SEND_LIMIT: '2', ...(redis && { REDIS_URL: redis.url }) });
      for (let i = 0; i < 6; i += 1) await send('nonsense');
      const expected = {
        action: 'send',
        outcome: 'refused',
        reason: 'too_many_requests',
        limit: 'rate_limit_send',
        client: 'shop',
      };

      expect(readEntries()).toEqual([expected]);
      await redis?.stop();
    },
  );

  it('has at most 31 lines a minute for guessed keys from one IP address: thirty 401, one 429', async () => {
    await start();
    const guessing = createClientAgent(service.url, newApiKey('nobody').key);
    for (let i = 0; i < 40; i += 1) await guessing.get('/otp/anything');

    const entries = readEntries();
    const line = { action: 'get_verification', outcome: 'refused', address: '127.0.0.1' };
    expect(entries).toEqual([
      ...Array<object>(30).fill({ ...line, reason: 'unauthenticated' }),
      { ...line, reason: 'too_many_requests', limit: 'rate_limit_unauthenticated' },
    ]);
    service.clock.advance(minutes(1));
    await guessing.get('/otp/anything').expect(401);
    expect(readEntries()).toHaveLength(32);
  });

  it('has no line for a request that is rejected before its API key is checked', async () => {
    await start();
    const tooLarge = { phoneNumber: '1'.repeat(20_000) };
    await service.http.post('/otp/numbers/erase').send(tooLarge).expect(413);
    await http.post('/otp/numbers/erase').send(tooLarge).expect(413);

    expect(readLines()).toEqual([]);
  });

  it('names the IP address that sent a forged delivery report', async () => {
    await start({ INFOBIP_REPORT_TOKEN: 'a-token-that-only-tests-know' });
    await fetch(`${service.url}/provider-reports/infobip`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer a-guess' },
      body: '{}',
    });

    expect(readEntries()).toEqual([
      { action: 'report', outcome: 'refused', reason: 'unauthenticated', address: '127.0.0.1' },
    ]);
  });

  it('is written with LOG_LEVEL=fatal, and not with LOG_LEVEL=silent', async () => {
    for (const [LOG_LEVEL, lines] of [
      ['fatal', 1],
      ['silent', 0],
    ] as const) {
      await start({ LOG_LEVEL });
      await http.post('/otp/numbers/erase').send({ phoneNumber: NUMBER }).expect(204);
      expect(service.log.lines).toHaveLength(lines);
      await service.close();
    }
    // `afterEach` closes a running service.
    await start();
  });

  it('contains no number, code, key, reference, pinId or address of an end user', async () => {
    await start({ CLIENT_SENDS_PER_DAY: '3', BLOCKED_PREFIXES: '+447' });
    const scanner = new SecretScanner();
    const [reference, key] = ['the login of alice', 'idempotency-key-of-alice'];
    const endUserIp = '198.51.100.77';
    for (const [kind, secret] of Object.entries({ reference, key, endUserIp, api: shop.key })) {
      scanner.add(kind, secret);
    }
    for (const phoneNumber of [NUMBER, '+447700900123', '+14155552672', NUMBER, '+14155552673']) {
      scanner.add('number', phoneNumber.slice(1));
      const message = { phoneNumber, reference, endUserIp };
      const { body } = await http
        .post('/otp/send')
        .set('idempotency-key', `${key}${phoneNumber}`)
        .send(message);
      const pinId = (body as { pinId?: string }).pinId ?? 'an-unknown-pin-id';
      scanner.add('pinId', pinId);
      await http.post('/otp/verify').send({ pinId, otpCode: '123456789', reference });
      await http.delete(`/otp/${pinId}`);
      for (const path of ['lookup', 'erase']) {
        await http.post(`/otp/numbers/${path}`).send({ phoneNumber });
      }
      service.clock.advance(seconds(1));
    }
    const guess = newApiKey('nobody').key;
    scanner.add('guess', guess);
    await createClientAgent(service.url, guess).post('/otp/send').send({ phoneNumber: NUMBER });

    const lines = service.log.lines.filter((line) => line.includes('"kind":"audit"'));
    expect(new Set(readEntries().map(({ outcome }) => outcome))).toEqual(
      new Set(['done', 'refused', 'failed']),
    );
    expect(lines.flatMap((line) => scanner.scan(line))).toEqual([]);
    expect(lines.join('')).not.toContain('123456789');
  });

  it('has the lines of docs/audit-log.md, and the command of that page finds them', async () => {
    await start({ CLIENT_SENDS_PER_DAY: '1' });
    await send().expect(200);
    await http.post('/otp/numbers/erase').send({ phoneNumber: NUMBER }).expect(204);
    service.clock.advance(hours(1));
    await send().expect(429);
    await service.http.post('/otp/send').send({ phoneNumber: NUMBER }).expect(401);

    const [, example = ''] = /```json\n([^]*?)```/.exec(PAGE) ?? [];
    const exampleLines = JSON.parse(example) as object[];
    expect(readLines()).toEqual(
      exampleLines.map((line) => ({
        ...line,
        time: expect.any(String),
        requestId: expect.any(String),
      })),
    );
    // The fields are in the same order, too.
    expect(readLines().map((line) => Object.keys(line))).toEqual(exampleLines.map(Object.keys));

    const [, command = ''] = /```sh\n([^]*?)```/.exec(PAGE) ?? [];
    const folder = mkdtempSync(join(tmpdir(), 'otp-audit-'));
    writeFileSync(join(folder, 'service.log'), service.log.text);
    execFileSync('sh', ['-c', command], { cwd: folder });
    const found = readFileSync(join(folder, 'audit.log'), 'utf8').trim().split('\n');
    expect(found.map((line) => JSON.parse(line) as unknown)).toEqual(readLines());
    rmSync(folder, { recursive: true });
  });
});
