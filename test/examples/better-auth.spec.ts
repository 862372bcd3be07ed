import { execFile } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import supertest, { type Test } from 'supertest';
import { DomainError } from '../../src/common/domain-error.js';
import { minutes, seconds } from '../../src/common/durations.js';
import { OtpService } from '../../src/otp/otp.service.js';
import { spawnProgram } from '../support/child-program.js';
import { connectTo } from '../support/raw-connection.js';
import { watchPinId } from '../support/watch-pin-id.js';
import { wrongCode } from '../support/wrong-code.js';
import { startExample, type RunningExample } from './support/running-example.js';

jest.setTimeout(minutes(3));

let lastNumber = 4_155_570_000;
/** A number that no other test uses. */
const nextNumber = (): string => `+1${String((lastNumber += 7))}`;

/** Sends a code as a server behind a proxy does, which leaves X-Forwarded-For as the proxy set it. */
const SEND_BEHIND_PROXY = `
  import { auth } from "./dist/auth.js";
  const { PHONE_NUMBER: phoneNumber, FORWARDED_FOR } = process.env;
  const url = "http://127.0.0.1:3001/api/auth/phone-number/send-otp";
  const headers = { "content-type": "application/json", "x-forwarded-for": FORWARDED_FOR };
  const body = JSON.stringify({ phoneNumber });
  const { status } = await auth.handler(new Request(url, { method: "POST", headers, body }));
  console.log("Status", status);`;

describe('The better-auth example', () => {
  let example: RunningExample;

  beforeAll(async () => {
    example = await startExample('better-auth');
  });

  afterAll(() => example.close());

  const post = (path: string, body: object): Test =>
    supertest(example.url).post(`/api/auth/phone-number/${path}`).send(body);
  const verify = (phoneNumber: string, code: string): Test => post('verify', { phoneNumber, code });
  const readCodes = (number: string) => example.service.getReceivedCodes(number);
  const readCode = async (number: string): Promise<string> => (await readCodes(number))[0] ?? '';

  /** Sends a code to a new number, and returns both. */
  async function send(): Promise<{ number: string; code: string }> {
    const number = nextNumber();
    await post('send-otp', { phoneNumber: number }).expect(200);
    return { number, code: await readCode(number) };
  }

  it('signs a new user up with the right code, and in with the next one', async () => {
    const { number, code } = await send();
    const signUp = await verify(number, code).expect(200);
    example.service.clock.advance(seconds(30));
    await post('send-otp', { phoneNumber: number }).expect(200);
    const signIn = await verify(number, await readCode(number)).expect(200);

    expect(signUp.body.user).toMatchObject({ phoneNumber: number, phoneNumberVerified: true });
    expect(signIn.body.user.id).toBe(signUp.body.user.id);
    const [cookie = ''] = signIn.get('set-cookie') ?? [];
    expect(cookie).toMatch(/; HttpOnly; SameSite=Lax/);
    const session = await supertest(example.url).get('/api/auth/get-session').set('cookie', cookie);
    expect(session.body.user).toMatchObject({ phoneNumber: number, phoneNumberVerified: true });
  });

  it('signs a new user up with the number that another user has changed', async () => {
    const { number, code } = await send();
    const first = await verify(number, code).expect(200);
    const [cookie = ''] = first.get('set-cookie') ?? [];
    const { number: phoneNumber, code: nextCode } = await send();
    await post('verify', { phoneNumber, code: nextCode, updatePhoneNumber: true })
      .set({ cookie, origin: example.url })
      .expect(200);
    example.service.clock.advance(seconds(30));
    await post('send-otp', { phoneNumber: number }).expect(200);
    const second = await verify(number, await readCode(number)).expect(200);

    expect(second.body.user.phoneNumber).toBe(number);
    expect(second.body.user.id).not.toBe(first.body.user.id);
    expect(second.body.user.email).not.toBe(first.body.user.email);
  });

  it('rejects a wrong code, then accepts the right one', async () => {
    const { number, code } = await send();
    const wrong = await verify(number, wrongCode(code)).expect(400);
    expect(wrong.body.code).toBe('INVALID_OTP');
    await verify(number, code).expect(200);
  });

  it.each([
    ['no code was sent', (number: string) => verify(number, '123456')],
    ['the text is no code', (number: string) => verify(number, '?')],
  ])('answers as to a wrong code if %s', async (_when, call) => {
    const answer = await call(nextNumber()).expect(400);
    expect(answer.body.code).toBe('INVALID_OTP');
  });

  it('rejects a code that has expired', async () => {
    const { number, code } = await send();
    example.service.clock.advance(minutes(5));
    await verify(number, code).expect(400);
  });

  it('sends a new code after the cooldown, and says how long that is', async () => {
    const { number, code } = await send();
    const early = await post('send-otp', { phoneNumber: number }).expect(429);
    expect(early.body.message).toMatch(/^Please wait (2\d|30) seconds\.$/);
    expect(early.get('retry-after')).toMatch(/^(2\d|30)$/);

    example.service.clock.advance(seconds(30));
    await post('send-otp', { phoneNumber: number }).expect(200);
    await verify(number, code).expect(400);
    await verify(number, await readCode(number)).expect(200);
  });

  it('accepts one of 50 parallel requests with the right code', async () => {
    const { number, code } = await send();
    const answers = await Promise.all(Array.from({ length: 50 }, () => verify(number, code)));

    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 400)).toHaveLength(49);
  });

  it('checks no more wrong codes of a number than its budget, however many codes are sent', async () => {
    const number = nextNumber();
    const statuses: number[] = [];
    const checks = countProviderChecks();
    for (let sends = 0; sends < 5; sends += 1) {
      await post('send-otp', { phoneNumber: number });
      const wrong = wrongCode(await readCode(number));
      for (let tries = 0; tries < 4; tries += 1) {
        statuses.push((await verify(number, wrong)).status);
      }
      example.service.clock.advance(seconds(30));
    }

    // FAILED_ATTEMPTS_PER_NUMBER_PER_HOUR is 10.
    expect(statuses.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => 400));
    expect(statuses.slice(10)).toEqual(Array.from({ length: 10 }, () => 429));
    await verify(number, await readCode(number)).expect(429);
    expect(checks.stop()).toBe(10);
  });

  it('rejects another spelling of a number, which would be another user', async () => {
    await post('send-otp', { phoneNumber: '+1 415 557 0000' }).expect(400);

    const { number, code } = await send();
    const spelling = `${number.slice(0, 2)} ${number.slice(2)}`;
    const answer = await verify(spelling, code).expect(400);
    expect(answer.body.code).toBe('INVALID_OTP');
    await verify(number, code).expect(200);
  });

  it.each([
    ['an invalid Host', 'Host: a b', 400],
    ['a long body', 'Host: a\r\nContent-Length: 999999999', 413],
    ['a body of unknown length', 'Host: a\r\nTransfer-Encoding: chunked', 413],
  ])('answers a request with %s, and runs on', async (_what, headers, status) => {
    const connection = await connectTo(example.url);
    const path = '/api/auth/phone-number/send-otp';
    const contentType = 'Content-Type: application/json';
    connection.write(
      `POST ${path} HTTP/1.1\r\nConnection: close\r\n${contentType}\r\n${headers}\r\n\r\n`,
    );

    expect(await connection.answer).toMatch(`HTTP/1.1 ${status} `);
    await send();
  });

  it('rejects requests from pages of other origins', async () => {
    const { number, code } = await send();
    const [cookie = ''] = (await verify(number, code).expect(200)).get('set-cookie') ?? [];
    const signOut = (origin: string): Test =>
      supertest(example.url).post('/api/auth/sign-out').set({ cookie, origin }).send({});

    await signOut('https://example.com').expect(403);
    await signOut('null').expect(403);
    // A form of another page can send no JSON.
    await post('send-otp', {})
      .type('text/plain')
      .send('{"phoneNumber":"+14155570001"}')
      .expect(415);
    await signOut(example.url).expect(200);
  });

  it('accepts a session token only in a signed cookie', async () => {
    const { number, code } = await send();
    const { body } = await verify(number, code).expect(200);
    const cookie = `better-auth.session_token=${body.token}`;
    const unsigned = await supertest(example.url).get('/api/auth/get-session').set({ cookie });

    expect(body.token).toMatch(/^\w{32}$/);
    expect(unsigned.body).toBeNull();
    const bearer = { authorization: `Bearer ${body.token}` };
    const withBearer = await supertest(example.url).get('/api/auth/get-session').set(bearer);
    expect(withBearer.body).toBeNull();
  });

  it('signs in with the commands of its README', async () => {
    const readme = readFileSync('examples/better-auth/README.md', 'utf8');
    const commands = readme.match(/^curl .*$/gm) ?? [];
    const run = async (command = ''): Promise<string> => {
      const address = command.replaceAll('http://127.0.0.1:3001', example.url);
      return (await promisify(execFile)('bash', ['-c', address])).stdout;
    };
    const [sendCommand, verifyCommand = ''] = commands;

    expect(commands).toHaveLength(2);
    expect(JSON.parse(await run(sendCommand))).toEqual({ message: 'code sent' });
    const code = await readCode('+14155602671');
    expect(JSON.parse(await run(verifyCommand.replace('123456', code)))).toMatchObject({
      status: true,
      user: { phoneNumber: '+14155602671', phoneNumberVerified: true },
    });
  });

  it('says that no code can be sent to a premium-rate number', async () => {
    const answer = await post('send-otp', { phoneNumber: '+19007685518' }).expect(422);
    expect(answer.body.message).toBe('We cannot send a code to this number. Use another one.');
  });

  it('answers 503 and logs it if the service rejects another field than the number', async () => {
    const fieldErrors = [{ pointer: '#/endUserIp', detail: 'Give an IPv4 or IPv6 address.' }];
    jest
      .spyOn(example.service.app.get(OtpService), 'send')
      .mockRejectedValueOnce(new DomainError('validation_failed', { fieldErrors }));

    const answer = await post('send-otp', { phoneNumber: nextNumber() }).expect(503);

    expect(answer.body.code).toBe('VALIDATION_FAILED');
    expect(example.output).toContain('validation_failed (400), request');
  });

  it.each([
    ['the last address of X-Forwarded-For', '10.0.0.5, 203.0.113.9', '203.0.113.9'],
    ['no address if the last entry is not one', '203.0.113.9, unknown', undefined],
  ])('gives the service %s', async (_what, forwardedFor, endUserIp) => {
    const sends = jest.spyOn(example.service.app.get(OtpService), 'send');
    const program = spawnProgram(
      `exec node --input-type=module --eval '${SEND_BEHIND_PROXY}'`,
      resolve('examples/better-auth'),
      {
        OTP_URL: example.service.url,
        OTP_API_KEY: example.apiKey,
        PHONE_NUMBER: nextNumber(),
        FORWARDED_FOR: forwardedFor,
      },
    );
    try {
      expect((await program.printed(/Status (\d+)/))[1]).toBe('200');
    } finally {
      await program.stop();
    }
    expect(sends.mock.lastCall?.[0].endUserIp).toBe(endUserIp);
    sends.mockRestore();
  });

  it('has no password reset', async () => {
    const { number: phoneNumber } = await send();
    await post('request-password-reset', { phoneNumber }).expect(404);
    await post('reset-password', { phoneNumber, otp: '123456', newPassword: 'x' }).expect(404);
  });

  it('shows no pinId, API key or code in an answer or in its log', async () => {
    const number = nextNumber();
    const getPinId = watchPinId(example.service);
    const sent = await post('send-otp', { phoneNumber: number });
    const pinId = await getPinId();
    const early = await post('send-otp', { phoneNumber: number });
    const code = await readCode(number);
    const wrong = await verify(number, wrongCode(code));
    const right = await verify(number, code);
    const [cookie = ''] = right.get('set-cookie') ?? [];
    const session = await supertest(example.url).get('/api/auth/get-session').set({ cookie });
    const answers = [sent, early, wrong, right, session];

    expect(answers.map(({ status }) => status)).toEqual([200, 429, 400, 200, 200]);
    const bodies = JSON.stringify(answers.map(({ headers, body }) => [headers, body]));
    for (const secret of [pinId, example.apiKey, code, 'pinId']) {
      expect(bodies + example.output).not.toContain(secret);
    }
  });
});

/** Counts the codes that the sandbox is asked to check, until it is stopped. */
function countProviderChecks(): { stop(): number } {
  const channel = 'http.server.request.start';
  let count = 0;
  const onRequest = (message: unknown): void => {
    const { request } = message as { request: IncomingMessage };
    if (/^\/2fa\/2\/pin\/[^/]+\/verify/.test(request.url ?? '')) count += 1;
  };
  subscribe(channel, onRequest);
  return {
    stop: () => {
      unsubscribe(channel, onRequest);
      return count;
    },
  };
}
