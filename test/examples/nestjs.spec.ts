import { resolve } from 'node:path';
import supertest, { type Agent, type Response } from 'supertest';
import { minutes, seconds } from '../../src/common/durations.js';
import { spawnProgram } from '../support/child-program.js';
import { watchPinId } from '../support/watch-pin-id.js';
import { wrongCode } from '../support/wrong-code.js';
import { startExample, type RunningExample } from './support/running-example.js';

jest.setTimeout(minutes(3));

/** The number on record of `ada`. */
const NUMBER = '+14155590001';

/**
 * Calls a controller that requires a step-up of the last 300 s, on the class. One of its routes requires
 * one of the last 60 s. Sessions were verified 100 s ago, or never.
 */
const CALL_PROTECTED_CONTROLLER = `
  import "reflect-metadata";
  import { Controller, Get, Module } from "@nestjs/common";
  import { NestFactory } from "@nestjs/core";
  import { RequireStepUp } from "./dist/step-up.guard.js";
  class Payments { list() { return []; } last() { return {}; } }
  const decorate = (name, ...decorators) => Reflect.decorate(
    decorators, Payments.prototype, name, Object.getOwnPropertyDescriptor(Payments.prototype, name));
  decorate("list", Get());
  decorate("last", Get("last"), RequireStepUp(60));
  Reflect.decorate([Controller("payments"), RequireStepUp(300)], Payments);
  class App {}
  Module({ controllers: [Payments] })(App);
  const app = await NestFactory.create(App, { logger: false });
  app.use((request, _response, next) => {
    const isVerified = request.query.verified === "yes";
    const verifiedAt = isVerified ? Date.now() - 100_000 : undefined;
    request.session = { user: { name: "ada" }, verifiedAt };
    next();
  });
  await app.listen(0, "127.0.0.1");
  const statuses = [];
  for (const path of ["payments?verified=yes", "payments", "payments/last?verified=yes"])
    statuses.push((await fetch(await app.getUrl() + "/" + path)).status);
  console.log("Statuses", statuses.join(" "));
  await app.close();`;

describe('The NestJS example', () => {
  let example: RunningExample;
  let http: Agent;

  beforeAll(async () => {
    example = await startExample('nestjs', {
      settings: { REQUESTS_PER_HOUR: '1000' },
      serviceSettings: { SENDS_PER_NUMBER_PER_DAY: '1000' },
    });
  });

  afterAll(() => example.close());

  beforeEach(async () => {
    // All tests send to one number, which gets 20 messages an hour at most.
    example.service.clock.advance(minutes(60));
    http = supertest.agent(example.url);
    await http.post('/sign-in').send({ name: 'ada' }).expect(204);
  });

  const readCodes = () => example.service.getReceivedCodes(NUMBER);
  const readCode = async (): Promise<string> => (await readCodes())[0] ?? '';
  const verify = (code: string) => http.post('/step-up/verify-otp').send({ code });
  const transfer = (agent = http) => agent.post('/transfers').send({ amount: 100 });

  /** Sends a code to the number on record, and returns it. */
  async function send(): Promise<string> {
    await http.post('/step-up/send-otp').expect(200);
    return readCode();
  }

  it('requires a code before a transfer, and accepts the right one', async () => {
    const before = await transfer().expect(403);
    const code = await send();
    await verify(code).expect(204);

    expect(before.body).toEqual({
      error: 'step_up_required',
      message: 'Confirm with a code first.',
    });
    expect((await transfer().expect(201)).body).toEqual({ transferred: 100 });
    await verify(code).expect(409);
  });

  it('protects all routes of a controller, and a route by its own time', async () => {
    const command = `exec node --input-type=module --eval '${CALL_PROTECTED_CONTROLLER}'`;
    const program = spawnProgram(command, resolve('examples/nestjs'));
    await program.ended();

    expect(program.output.trim()).toBe('Statuses 200 403 403');
  });

  it('requires a sign-in before a step-up', async () => {
    const anonymous = supertest.agent(example.url);
    await transfer(anonymous).expect(401);
    await anonymous.post('/step-up/send-otp').expect(401);
  });

  it('counts a verification for its own session only', async () => {
    const other = supertest.agent(example.url);
    await other.post('/sign-in').send({ name: 'ada' }).expect(204);
    await verify(await send()).expect(204);

    await transfer(other).expect(403);
    await http.post('/sign-in').send({ name: 'ada' }).expect(204);
    await transfer().expect(403);
  });

  it('answers 401 to a wrong code, and says how many tries are left', async () => {
    const code = await send();
    const answer = await verify(wrongCode(code)).expect(401);
    expect(answer.body).toEqual({
      error: 'wrong_code',
      message: 'That is not the code. Tries left: 4.',
    });
    await transfer().expect(403);
    await verify(code).expect(204);
  });

  it('sends the same code again after the cooldown', async () => {
    const code = await send();
    const early = await http.post('/step-up/resend-otp').expect(429);
    expect(early.body.message).toMatch(/^Please wait (2\d|30) seconds, then try again\.$/);

    example.service.clock.advance(seconds(30));
    await http.post('/step-up/resend-otp').expect(200);
    expect((await readCodes()).slice(0, 2)).toEqual([code, code]);
    await verify(code).expect(204);
  });

  it('sends a new code instead of one that was sent six times', async () => {
    const code = await send();
    for (let resends = 1; resends <= 6; resends += 1) {
      example.service.clock.advance(seconds(30));
      await http.post('/step-up/resend-otp').expect(200);
    }

    const [newCode = '', ...codes] = await readCodes();
    expect(codes.slice(0, 6)).toEqual(Array(6).fill(code));
    expect(newCode).not.toBe(code);
    await verify(newCode).expect(204);
  });

  it('rejects a code that has expired, and sends a new one', async () => {
    const code = await send();
    example.service.clock.advance(minutes(5));
    const answer = await verify(code).expect(401);
    expect(answer.body.message).toBe('This code has expired. Ask for a new one.');
    await http.post('/step-up/resend-otp').expect(200);
    await verify(await readCode()).expect(204);
  });

  it('rejects the code of another session', async () => {
    const other = supertest.agent(example.url);
    const code = await send();
    await other.post('/sign-in').send({ name: 'grace' }).expect(204);
    await other.post('/step-up/verify-otp').send({ code }).expect(409);
    await verify(code).expect(204);
  });

  it('accepts one of 20 parallel requests with the right code', async () => {
    const code = await send();
    const answers = await Promise.all(Array.from({ length: 20 }, () => verify(code)));
    expect(answers.filter(({ status }) => status === 204)).toHaveLength(1);
  });

  it('cancels the code when the user leaves', async () => {
    const code = await send();
    await http.delete('/step-up').expect(204);
    await verify(code).expect(409);
  });

  it.each([
    ['a number in the request', '/step-up/verify-otp', { code: '1', phoneNumber: '+1' }, 400],
    ['a code that is no text', '/step-up/verify-otp', { code: 123456 }, 400],
  ])('rejects %s', async (_what, path, body, status) => {
    await http.post(path).send(body).expect(status);
  });

  it('rejects requests from pages of other origins', async () => {
    await http.post('/step-up/send-otp').set('sec-fetch-site', 'cross-site').expect(403);
    await http.post('/step-up/send-otp').set('origin', 'https://example.com').expect(403);
    await http.post('/step-up/send-otp').set('origin', example.url).expect(200);
  });

  it('shows no pinId, API key or code in an answer or in its log', async () => {
    const getPinId = watchPinId(example.service);
    const answers: Response[] = [await http.post('/step-up/send-otp').expect(200)];
    const pinId = await getPinId();
    const code = await readCode();
    answers.push(await verify(wrongCode(code)), await verify(code), await http.get('/account'));
    const shown = JSON.stringify(answers.map(({ headers, body }) => [headers, body]));

    expect(answers[3]?.body.verifiedAt).toEqual(expect.any(Number));
    for (const secret of [pinId, example.apiKey, code, 'pinId', NUMBER.slice(1)]) {
      expect(shown + example.output).not.toContain(secret);
    }
  });
});

describe('The limit of the NestJS example', () => {
  let limited: RunningExample;

  beforeAll(async () => {
    limited = await startExample('nestjs', { settings: { REQUESTS_PER_HOUR: '2' } });
  });

  afterAll(() => limited.close());

  it.each([
    ['send-otp', 401],
    ['resend-otp', 409],
    ['verify-otp', 409],
  ])(
    'rejects further requests of an address to %s, with the time to wait',
    async (route, status) => {
      const call = () => supertest(limited.url).post(`/step-up/${route}`).send({ code: '123456' });
      await call().expect(status);
      await call().expect(status);
      const answer = await call().expect(429);

      expect(answer.body.message).toBe('Please wait an hour, then try again.');
      expect(answer.get('retry-after')).toMatch(/^(3600|35\d\d)$/);
      await supertest(limited.url).delete('/step-up').expect(204);
    },
  );
});
