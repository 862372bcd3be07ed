import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import supertest, { type Agent } from 'supertest';
import { minutes, seconds } from '../../src/common/durations.js';
import { openPage, startBrowser } from '../support/browser.js';
import { spawnProgram, type ChildProgram } from '../support/child-program.js';
import { refusesConnections } from '../support/raw-connection.js';
import { freePort } from '../support/services/ports.js';
import { watchPinId } from '../support/watch-pin-id.js';
import { wrongCode } from '../support/wrong-code.js';
import { expectAccessible } from './support/accessibility.js';
import { holdSends } from './support/hold-sends.js';
import { recordResponses } from './support/page-secrets.js';
import { startExample, type RunningExample } from './support/running-example.js';

jest.setTimeout(minutes(3));

let lastNumber = 4_155_560_000;
/** A number that no other test uses. */
const nextNumber = (): string => `+1${String((lastNumber += 7))}`;

let example: RunningExample;

const start = async (): Promise<void> => {
  example = await startExample('express', { settings: { REQUESTS_PER_HOUR: '1000' } });
};

const readCodes = (number: string) => example.service.getReceivedCodes(number);
const readCode = async (number: string): Promise<string> => (await readCodes(number))[0] ?? '';

describe('The routes of the Express example', () => {
  let http: Agent;

  beforeAll(start);
  afterAll(() => example.close());

  /** Sends a code to a new number, and returns both. */
  async function send(): Promise<{ number: string; code: string }> {
    const number = nextNumber();
    await http.post('/send-otp').send({ phoneNumber: number }).expect(200);
    return { number, code: await readCode(number) };
  }

  beforeEach(() => {
    http = supertest.agent(example.url);
  });

  it('sign in a session with the right code, once', async () => {
    const { code } = await send();
    const before = (await http.get('/session')).body;

    expect((await http.post('/verify-otp').send({ code }).expect(200)).body).toEqual({
      step: 'verified',
      verified: true,
    });
    expect(before).toMatchObject({ step: 'code', sentTo: expect.stringContaining('•••') });
    expect((await http.get('/session')).body).toMatchObject({ step: 'verified' });
    await http.post('/verify-otp').send({ code }).expect(409);
  });

  it('replace the session cookie when the visitor signs in', async () => {
    const number = nextNumber();
    const before = await http.post('/send-otp').send({ phoneNumber: number });
    const after = await http.post('/verify-otp').send({ code: await readCode(number) });

    expect(before.get('set-cookie')?.[0]).toMatch(/; HttpOnly; SameSite=Strict$/);
    expect(after.get('set-cookie')?.[0]).toMatch(/; HttpOnly; SameSite=Strict$/);
    expect(before.get('set-cookie')).not.toEqual(after.get('set-cookie'));
  });

  it('verify by number without a session', async () => {
    const { number: phoneNumber, code } = await send();
    const other = supertest(example.url);

    await other
      .post('/verify-otp')
      .send({ phoneNumber, code: wrongCode(code) })
      .expect(401);
    await other.post('/verify-otp').send({ phoneNumber, code }).expect(200);
  });

  it('answer 401 to a wrong code, and say how many tries are left', async () => {
    const { code } = await send();
    const messages: string[] = [];
    for (let tries = 1; tries <= 5; tries += 1) {
      const answer = await http.post('/verify-otp').send({ code: wrongCode(code) });
      expect(answer.status).toBe(401);
      messages.push(answer.body.message);
    }

    expect(messages[0]).toBe('That is not the code. You have 4 tries left.');
    expect(messages[3]).toBe('That is not the code. You have 1 try left.');
    expect(messages[4]).toBe('Too many wrong codes. Ask for a new one.');
    await http.post('/verify-otp').send({ code }).expect(401);
  });

  it('accept exactly one of 20 parallel requests with the right code', async () => {
    const { number: phoneNumber, code } = await send();
    const answers = await Promise.all(
      Array.from({ length: 20 }, () =>
        supertest(example.url).post('/verify-otp').send({ phoneNumber, code }),
      ),
    );

    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(19);
  });

  it('send again after the cooldown, and a new code once the first one has expired', async () => {
    const { number, code } = await send();
    const early = await http.post('/resend-otp').expect(429);
    expect(early.body.message).toMatch(/^Please wait (2\d|30) seconds, then try again\.$/);
    expect(early.get('retry-after')).toBe(String(early.body.retryAfterSeconds));

    example.service.clock.advance(seconds(31));
    await http.post('/resend-otp').expect(200);
    expect(await readCodes(number)).toEqual([code, code]);

    example.service.clock.advance(minutes(5));
    const expired = await http.post('/verify-otp').send({ code }).expect(401);
    expect(expired.body).toMatchObject({
      error: 'expired',
      message: 'This code has expired. Ask for a new one.',
    });
    await http.post('/resend-otp').expect(200);
    await http
      .post('/verify-otp')
      .send({ code: await readCode(number) })
      .expect(200);
  });

  it('send a new code instead of one that was sent six times', async () => {
    const { number, code } = await send();
    for (let resends = 1; resends <= 6; resends += 1) {
      example.service.clock.advance(seconds(31));
      await http.post('/resend-otp').expect(200);
    }

    const [newCode = '', ...codes] = await readCodes(number);
    expect(codes).toEqual(Array(6).fill(code));
    expect(newCode).not.toBe(code);
    await http.post('/verify-otp').send({ code: newCode }).expect(200);
  });

  it('keep a visitor signed out, even if a request to send was running', async () => {
    const { code } = await send();
    await http.post('/verify-otp').send({ code }).expect(200);
    const held = holdSends(example.service);
    const sending = http.post('/send-otp').send({ phoneNumber: nextNumber() }).then();
    await Promise.race([held.arrived, sending]);
    await http.post('/start-over').expect(200);
    held.release();

    const { status, body } = await sending;
    expect((await http.get('/session')).body.step).toBe('number');
    expect([status, body.error]).toEqual([409, 'signed_in']);
  });

  it('cancel the code when the visitor starts over', async () => {
    const { number: phoneNumber, code } = await send();
    await http.post('/start-over').expect(200);

    const answer = await http.post('/verify-otp').send({ phoneNumber, code }).expect(401);
    expect(answer.body.error).toBe('cancelled');
  });

  it.each([
    ['no number', '/send-otp', {}, 400, 'Check what you entered.'],
    ['an unknown field', '/send-otp', { phoneNumber: '+14155552671', pinId: 'x' }, 400, 'Check'],
    ['no JSON object', '/send-otp', 'null', 400, 'Check what you entered.'],
    ['an invalid number', '/send-otp', { phoneNumber: '0123' }, 400, 'Check the number. Begin'],
    [
      'a number with a digit of another script',
      '/send-otp',
      { phoneNumber: '+1\u0664155552671' },
      400,
      'Check the number. Begin',
    ],
    ['a premium-rate number', '/send-otp', { phoneNumber: '+19007685518' }, 403, 'We cannot send'],
    ['a resend before a send', '/resend-otp', {}, 409, 'Enter your number first.'],
    ['a code before a send', '/verify-otp', { code: '123456' }, 409, 'Enter your number first.'],
  ])('reject %s with words for people', async (_what, path, body, status, message) => {
    const request = http.post(path).set('content-type', 'application/json');
    const answer = await request.send(body);

    expect([answer.status, answer.body.message]).toEqual([
      status,
      expect.stringContaining(message),
    ]);
  });

  it('send to a number that has separators and invisible characters', async () => {
    const number = nextNumber();
    const phoneNumber = `\u202a+1 (${number.slice(2, 5)}) ${number.slice(5)}\u202c`;
    await http.post('/send-otp').send({ phoneNumber }).expect(200);

    const code = await readCode(number);
    await supertest(example.url).post('/verify-otp').send({ phoneNumber, code }).expect(200);
  });

  it('reject requests from pages of other origins', async () => {
    const { code } = await send();
    for (const headers of [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { origin: 'https://example.com' },
      { origin: 'null' },
    ]) {
      await http.post('/verify-otp').set(headers).send({ code }).expect(403);
    }
    await http.post('/verify-otp').set({ origin: example.url }).send({ code }).expect(200);
  });

  it('log each request, but no number, code or cookie', async () => {
    const { number, code } = await send();
    await http.post('/verify-otp').send({ code }).expect(200);

    expect(example.output).toContain('"url":"/verify-otp"');
    for (const secret of [number.slice(1), example.apiKey, 'session=']) {
      expect(example.output).not.toContain(secret);
    }
    // A time in milliseconds could contain the code.
    expect(example.output).not.toMatch(new RegExp(`\\b${code}\\b`));
  });
});

describe('The page of the Express example', () => {
  let browser: Browser;
  let page: Page;
  let errors: string[];
  let received: () => Promise<string>;

  beforeAll(async () => {
    browser = await startBrowser();
  }, minutes(10));

  afterAll(() => browser.close());

  // The page counts down by the clock of the service, which tests advance.
  beforeEach(start);

  async function open(width = 1280): Promise<void> {
    ({ page, errors } = await openPage(browser, { viewport: { width, height: 720 } }));
    received = recordResponses(page);
    await page.goto(example.url);
    await page.getByLabel('Phone number').waitFor();
  }

  const waitForStatus = (text: string | RegExp) =>
    page.getByRole('status').filter({ hasText: text }).waitFor();

  /** Sends with the keyboard alone. */
  async function send(): Promise<{ number: string; code: string }> {
    const number = nextNumber();
    await page.getByLabel('Phone number').fill(number);
    await page.keyboard.press('Enter');
    await waitForStatus('We sent a code to +1');
    return { number, code: await readCode(number) };
  }

  async function verify(code: string): Promise<void> {
    await page.getByLabel('Code from the message').fill(code);
    await page.keyboard.press('Enter');
  }

  afterEach(async () => {
    await page.context().close();
    await example.close();
    expect(errors).toEqual([]);
  });

  it.each([360, 1280])('is accessible in every step, %s pixels wide', async (width) => {
    await open(width);
    await expectAccessible(page);

    const { code } = await send();
    await expectAccessible(page);
    await verify(wrongCode(code));
    await waitForStatus('That is not the code. You have 4 tries left.');
    await expectAccessible(page);
    if (process.env['UPDATE_SCREENSHOTS'] && width === 360) {
      const picture = await page.screenshot({ clip: { x: 0, y: 0, width, height: 480 } });
      writeFileSync('examples/express/page.png', picture);
    }

    await verify(code);
    await waitForStatus('You are signed in.');
    await expectAccessible(page);
  });

  it('keeps its step after a reload and after the back button', async () => {
    await open();
    const { code } = await send();
    await page.reload();
    await waitForStatus('We sent a code to +1');
    await page.goto(`${example.url}/style.css`);
    await page.goBack();
    await waitForStatus('We sent a code to +1');

    await verify(code);
    await waitForStatus('You are signed in.');
    await page.reload();
    await waitForStatus('You are signed in.');
  });

  it('sends and verifies once when a button is clicked twice', async () => {
    await open();
    const number = nextNumber();
    await page.getByLabel('Phone number').fill(number);
    await page.getByRole('button', { name: 'Send code' }).dblclick();
    await waitForStatus('We sent a code to +1');
    expect(await readCodes(number)).toHaveLength(1);

    await page.getByLabel('Code from the message').fill(await readCode(number));
    await page.getByRole('button', { name: 'Sign in' }).dblclick();
    await waitForStatus('You are signed in.');
  });

  it('counts down until the code can be sent again', async () => {
    await open();
    await page.clock.install();
    const { number, code } = await send();
    const resend = page.getByRole('button', { name: /^Send again/ });
    expect(await resend.textContent()).toMatch(/^Send again in (2\d|30) s$/);
    await resend.click({ force: true });
    await page.clock.fastForward(seconds(31));
    example.service.clock.advance(seconds(31));
    await page.getByRole('button', { name: 'Send again', exact: true }).click();
    await page.getByRole('button', { name: /^Send again in/ }).waitFor();

    expect(await readCodes(number)).toEqual([code, code]);
  });

  it('says that a code has expired, and sends a new one', async () => {
    await open();
    await page.clock.install();
    const { number, code } = await send();
    example.service.clock.advance(minutes(5));
    await page.clock.fastForward(seconds(31));
    await verify(code);
    await waitForStatus('This code has expired. Ask for a new one.');
    await page.getByRole('button', { name: 'Send again', exact: true }).click();
    await waitForStatus('We sent a code to +1');

    await verify(await readCode(number));
    await waitForStatus('You are signed in.');
  });

  it('moves the focus to the next field, which suggests the code of the message', async () => {
    await open();
    await send();
    const code = page.getByLabel('Code from the message');

    expect(await page.evaluate('document.activeElement.id')).toBe('code');
    expect(await code.getAttribute('autocomplete')).toBe('one-time-code');
    expect(await code.getAttribute('inputmode')).toBe('numeric');
  });

  it('never receives a pinId, an API key or the code', async () => {
    await open();
    const getPinId = watchPinId(example.service);
    const { code } = await send();
    const pinId = await getPinId();
    await verify(wrongCode(code));
    await waitForStatus('That is not the code.');
    await verify(code);
    await waitForStatus('You are signed in.');

    const text = await received();
    expect(text).toContain('You are signed in.');
    expect(text).not.toMatch(/pinId/i);
    for (const secret of [pinId, example.apiKey, code]) expect(text).not.toContain(secret);
  });
});

describe('The limit of the Express example', () => {
  it('rejects further requests of an address, with the time to wait', async () => {
    const limited = await startExample('express', { settings: { REQUESTS_PER_HOUR: '2' } });
    try {
      const answers = [];
      for (let calls = 0; calls < 3; calls += 1) {
        const phoneNumber = nextNumber();
        answers.push(await supertest(limited.url).post('/send-otp').send({ phoneNumber }));
      }
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 429]);
      expect(answers[2]?.body.message).toMatch(/^Please wait (60|59) minutes, then try again\.$/);
    } finally {
      await limited.close();
    }
  });
});

/** The process that runs this script with this environment variable. */
function findProcess(script: string, variable: string): number {
  const read = (pid: string, file: string): string[] => {
    try {
      return readFileSync(`/proc/${pid}/${file}`, 'utf8').split('\0');
    } catch {
      // The process has ended, or it is no process.
      return [];
    }
  };
  return Number(
    readdirSync('/proc').find(
      (pid) => read(pid, 'cmdline').includes(script) && read(pid, 'environ').includes(variable),
    ),
  );
}

describe('The command `npm run example -- express`', () => {
  interface StartedExample {
    program: ChildProgram;
    url: string;
    sandboxUrl: string;
    servicePort: string;
  }
  let stopped: () => Promise<void>;

  afterEach(() => stopped());

  /** Starts everything with these variables, and waits until the example accepts requests. */
  async function startWithCommand(variables: NodeJS.ProcessEnv = {}): Promise<StartedExample> {
    const [PORT = '', SERVICE_PORT = '', SANDBOX_PORT = ''] = (
      await Promise.all([freePort(), freePort(), freePort()])
    ).map(String);
    const DATA_DIR = mkdtempSync(join(tmpdir(), 'otp-example-'));
    const program = spawnProgram('exec npm run example -- express', process.cwd(), {
      ...variables,
      DATA_DIR,
      PORT,
      SERVICE_PORT,
      SANDBOX_PORT,
      OTP_SECRET: 'a master secret that only tests know of',
    });
    stopped = async () => {
      await program.stop();
      rmSync(DATA_DIR, { recursive: true });
    };
    await program.printed(/Listening on http/);
    return {
      program,
      url: `http://127.0.0.1:${PORT}`,
      sandboxUrl: `http://127.0.0.1:${SANDBOX_PORT}`,
      servicePort: SERVICE_PORT,
    };
  }

  it.each([
    ['the service, the sandbox and the example', {}],
    [
      'the sandbox even if the settings name a real account',
      {
        PROVIDERS: 'infobip',
        INFOBIP_BASE_URL: 'https://account.invalid',
        INFOBIP_API_KEY: 'key-of-a-real-account',
        INFOBIP_APP_ID: 'real-application',
        INFOBIP_MESSAGE_ID: 'real-message',
      },
    ],
  ])('starts %s', async (_what, variables) => {
    const { url, sandboxUrl } = await startWithCommand(variables);
    const phoneNumber = nextNumber();
    const http = supertest.agent(url);
    await http.post('/send-otp').send({ phoneNumber }).expect(200);
    const inbox = await supertest(sandboxUrl).get('/sandbox/messages').query({ to: phoneNumber });
    await http.post('/verify-otp').send({ code: inbox.body[0].pin }).expect(200);
  });

  it('fails and ends the example if the service is killed', async () => {
    const { program, url, servicePort } = await startWithCommand();
    process.kill(findProcess('dist/main.js', `SERVICE_PORT=${servicePort}`), 'SIGKILL');

    // The output of the command ends only when all processes have ended that it started.
    expect(await program.ended()).toBe(1);
    expect(program.output).toContain('Ended by SIGKILL:');
    expect(await refusesConnections(url)).toBe(true);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'ends the service and the example at %s, and fails',
    async (signal) => {
      const { program, url, servicePort } = await startWithCommand();
      process.kill(findProcess('examples/run.mjs', `SERVICE_PORT=${servicePort}`), signal);

      expect(await program.ended()).not.toBe(0);
      expect(await refusesConnections(url)).toBe(true);
      expect(await refusesConnections(`http://127.0.0.1:${servicePort}`)).toBe(true);
    },
  );
});
