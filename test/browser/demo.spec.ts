import type { Browser, Page } from 'playwright-core';
import { hours, minutes, seconds } from '../../src/common/durations.js';
import { DemoPage, startDemo } from '../support/browser-demo.js';
import { startBrowser } from '../support/browser.js';
import { wrongCode } from '../support/wrong-code.js';
import { reply, startScriptedUpstream } from '../support/scripted-upstream.js';
import { startService, type RunningService } from '../support/service.js';

/** Chromium may have to be installed first. */
const START_TIMEOUT_MS = minutes(10);

jest.setTimeout(seconds(20));

/** Writes a code with the digits of the script that has this zero. */
const toScript = (code: string, zero: string): string =>
  code.replace(/\d/g, (digit) => String.fromCodePoint((zero.codePointAt(0) ?? 0) + Number(digit)));

/** How the page marks a time that is `ms` from now, by the date in UTC. */
const getDayMark = (ms: number): string =>
  new Date(Date.now() + ms).getUTCDate() === new Date().getUTCDate() ? '' : ' tomorrow';

describe('The demo page', () => {
  let browser: Browser;
  let service: RunningService;
  let demo: DemoPage;
  const closing: { close(): Promise<void> }[] = [];

  beforeAll(async () => {
    browser = await startBrowser();
  }, START_TIMEOUT_MS);

  afterAll(() => browser.close());

  const open = async (prepare?: (page: Page) => unknown) => {
    demo = await DemoPage.open(browser, service.url, prepare && { prepare });
  };

  beforeEach(async () => {
    service = await startDemo();
    closing.push(service);
    await open((page) => page.clock.install());
  });

  afterEach(async () => {
    const { errors } = demo;
    // The page is closed first, because a server waits for the browser's connections.
    await demo.close();
    await Promise.all(closing.splice(0).map((server) => server.close()));
    expect(errors).toEqual([]);
  });

  /** Lets time pass for the service and for the page. */
  const advance = async (ms: number) => {
    service.clock.advance(ms);
    await demo.page.clock.fastForward(ms);
  };

  it('sends a code to the phone on the page and verifies it', async () => {
    expect(await demo.getFocused()).toBe('number');
    const code = await demo.send();
    await demo.waitForTitle('Enter the code');
    expect(await demo.lead.textContent()).toMatch(
      new RegExp(
        `^Sent to \\+1415•••01\\d\\d, valid until \\d\\d:\\d\\d${getDayMark(minutes(5))}\\.$`,
      ),
    );
    expect(await demo.getFocused()).toBe('code');

    await demo.verify(code);

    await demo.waitForTitle('Verified');
    expect(await demo.lead.textContent()).toMatch(/^The number \+1415•••01\d\d is yours\.$/);
    expect(await demo.getFocused()).toBe('title');
  });

  it.each([
    ['spaces', (code: string) => `${code.slice(0, 3)} ${code.slice(3)}`],
    ['hyphens', (code: string) => `${code.slice(0, 3)}-${code.slice(3)}`],
    ['Arabic-Indic digits', (code: string) => toScript(code, '٠')],
    ['Devanagari digits', (code: string) => toScript(code, '०')],
    ['full-width digits', (code: string) => toScript(code, '０')],
  ])('verifies a code that is typed with %s', async (_what, type) => {
    const code = await demo.send();
    await demo.code.pressSequentially(type(code));
    expect(await demo.code.inputValue()).toBe(code);

    await demo.press('Verify');
    await demo.waitForTitle('Verified');
  });

  it('shows the remaining tries at the field after a wrong code', async () => {
    const code = await demo.send();
    for (const left of ['4 tries', '3 tries', '2 tries', '1 try']) {
      await demo.verify(wrongCode(code));
      const note = await demo.waitForNote(`That is not the code. You have ${left} left.`);
      expect(note).toBe('code-note');
    }
    expect(await demo.code.getAttribute('aria-invalid')).toBe('true');
    expect(await demo.getFocused()).toBe('code');

    await demo.verify(code);
    await demo.waitForTitle('Verified');
    expect(await demo.note.count()).toBe(0);
  });

  it('asks for all digits of a code before it uses up a try', async () => {
    const code = await demo.send();
    await demo.verify(code.slice(0, 3));
    expect(await demo.waitForNote('Enter all digits of the code')).toBe('code-note');
    await demo.verify(wrongCode(code));
    await demo.waitForNote('You have 4 tries left.');
  });

  it('offers a new code after five wrong ones', async () => {
    const code = await demo.send();
    for (let tries = 1; tries <= 5; tries += 1) {
      await demo.verify(wrongCode(code));
      if (tries < 5) await demo.waitForNote(/not the code/);
    }
    await demo.waitForTitle('Too many wrong codes');
    expect(await demo.code.isVisible()).toBe(false);
    expect(await demo.note.count()).toBe(0);
    expect(await demo.getFocused()).toBe('title');

    await advance(seconds(31));
    await demo.press('Send a new code');
    await demo.verify(await demo.readCode(2));
    await demo.waitForTitle('Verified');
  });

  it('counts down until the code can be sent again', async () => {
    const code = await demo.send();
    expect(await demo.resendButton.textContent()).toMatch(/^Send again in (2\d|30) seconds$/);
    await demo.resendButton.click({ force: true });
    await advance(seconds(20));
    await demo.page.getByText(/^Send again in (8|9|10) seconds$/).waitFor();
    expect(await demo.resendButton.getAttribute('aria-disabled')).toBe('true');
    expect(await demo.messages.count()).toBe(1);

    await advance(seconds(11));
    await demo.press('Send again');

    expect(await demo.waitForNote('Sent again. Look at the phone.')).toBe('resend-note');
    expect(await demo.getFocused()).toBe('code');
    expect(await demo.readCode(2)).toBe(code);
    await demo.resendButton.and(demo.page.locator('[aria-disabled=true]')).waitFor();
    await demo.verify(code);
    await demo.waitForTitle('Verified');
  });

  it('shows by itself that a code has expired', async () => {
    await demo.send();
    await advance(minutes(5) + seconds(1));
    await demo.waitForTitle('This code has expired');
    expect(await demo.code.isVisible()).toBe(false);

    await demo.press('Send a new code');
    await demo.waitForTitle('Enter the code');
    await demo.verify(await demo.readCode(2));
    await demo.waitForTitle('Verified');
  });

  it('shows that a code has expired to someone whose clock is slow', async () => {
    const code = await demo.send();
    service.clock.advance(minutes(5));
    await demo.verify(code);
    await demo.waitForTitle('This code has expired');
  });

  it('shows that a newer code was sent', async () => {
    const phoneNumber = await demo.number.inputValue();
    const code = await demo.send();
    service.clock.advance(seconds(30));
    await service.http.post('/otp/send').send({ phoneNumber }).expect(200);
    await demo.verify(code);
    await demo.waitForTitle('A newer code was sent');
  });

  it('counts down until a number that was just sent a code can be sent another', async () => {
    const phoneNumber = await demo.number.inputValue();
    await service.http.post('/otp/send').send({ phoneNumber }).expect(200);
    await demo.press('Send code');
    const text = 'A code was requested for this number moments ago.';
    expect(await demo.waitForNote(text)).toBe('number-note');
    const button = demo.page.getByRole('button', { name: /^Send code/ });
    expect(await button.textContent()).toMatch(/^Send code in (2\d|30) seconds$/);

    // Another number can be sent to at once.
    await demo.number.press('End');
    await demo.number.press('Backspace');
    expect(await button.textContent()).toBe('Send code');
    expect(await demo.note.count()).toBe(0);
  });

  it.each([
    ['', 'Enter your phone number.'],
    ['0123', 'Begin with + and the country code, as in +1 415 555 0123.'],
    ['+1 415 555', 'There is no such phone number. Check its digits.'],
    ['+1 900 768 5518', 'We send no codes to numbers of this kind. Use another one.'],
  ])('shows at the field why it sends nothing to "%s"', async (number, text) => {
    await demo.number.fill(number);
    await demo.press('Send code');
    expect(await demo.waitForNote(text)).toBe('number-note');
    expect(await demo.number.getAttribute('aria-invalid')).toBe('true');
    expect(await demo.getFocused()).toBe('number');
  });

  it('shows when a number that got too many codes can get another', async () => {
    const phoneNumber = await demo.number.inputValue();
    for (let sends = 0; sends < 10; sends += 1) {
      await service.http.post('/otp/send').send({ phoneNumber }).expect(200);
      service.clock.advance(seconds(30));
    }
    await demo.press('Send code');
    // The page's clock was not advanced.
    const dayMark = getDayMark(hours(24) - minutes(5));
    await demo.waitForNote(
      new RegExp(
        `^This number cannot get more codes for now\\. Try again after \\d\\d:\\d\\d${dayMark}\\.$`,
      ),
    );
  });

  it('shows that it is sending, and sends only once at a double click', async () => {
    const requests: string[] = [];
    let answer: () => void = () => undefined;
    const canBeAnswered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    await demo.page.route('**/demo/send', async (route) => {
      requests.push(route.request().url());
      await canBeAnswered;
      await route.continue();
    });
    await demo.page.getByRole('button', { name: 'Send code' }).dblclick();
    await demo.page.getByRole('status').and(demo.page.getByText('Sending…')).waitFor();
    await demo.number.press('Enter');
    answer();
    await demo.readCode();
    expect(requests).toHaveLength(1);
  });

  it('verifies only once at a double click', async () => {
    const requests: string[] = [];
    demo.page.on('request', (request) => requests.push(request.url()));
    const code = await demo.send();
    await demo.code.fill(code);
    await demo.page.getByRole('button', { name: 'Verify' }).dblclick();
    await demo.waitForTitle('Verified');
    expect(requests.filter((url) => url.endsWith('/demo/verify'))).toHaveLength(1);
  });

  it('retries with the same idempotency key when a response is lost, for only one message', async () => {
    const keys: string[] = [];
    await demo.page.route('**/demo/send', async (route) => {
      keys.push((await route.request().allHeaders())['idempotency-key'] ?? '');
      if (keys.length > 1) return route.continue();
      await route.fetch();
      return route.abort();
    });
    await demo.send();
    expect(keys).toEqual([keys[0], keys[0]]);
    expect(await demo.messages.count()).toBe(1);
  });

  it('shows that the service cannot be reached, and retries with the same idempotency key', async () => {
    const keys = new Set<string | undefined>();
    await demo.page.route('**/demo/send', async (route) => {
      keys.add((await route.request().allHeaders())['idempotency-key']);
      return route.abort();
    });
    await demo.press('Send code');
    await demo.waitForNote('The service does not answer. Try again.');
    await demo.page.unroute('**/demo/send');
    const retried = demo.page.waitForRequest('**/demo/send');
    await demo.send();
    keys.add((await (await retried).allHeaders())['idempotency-key']);
    expect(keys.size).toBe(1);
  });

  it('verifies again with the same idempotency key while the result is unknown', async () => {
    const keys: string[] = [];
    await demo.page.route('**/demo/verify', async (route) => {
      keys.push((await route.request().allHeaders())['idempotency-key'] ?? '');
      await route.continue();
    });
    // The sandbox fails every check for this number.
    await demo.number.fill('+1 252 555 0140');
    const code = await demo.send();
    for (const count of [1, 2]) {
      await demo.verify(code);
      await demo.waitForNote('It is not clear yet whether this is the code. Press Verify again.');
      expect(keys).toHaveLength(count);
    }
    expect(new Set(keys).size).toBe(1);
  });

  it('accepts a pasted code with a space', async () => {
    const code = await demo.send();
    await demo.page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await demo.page.evaluate(
      `navigator.clipboard.writeText('${code.slice(0, 3)} ${code.slice(3)}')`,
    );
    await demo.page.keyboard.press('Control+V');
    expect(await demo.code.inputValue()).toBe(code);
    await demo.press('Verify');
    await demo.waitForTitle('Verified');
  });

  it('can be used with the keyboard only', async () => {
    const { keyboard } = demo.page;
    const press = async (...keys: string[]) => {
      for (const key of keys) await keyboard.press(key);
    };
    expect(await demo.getFocused()).toBe('number');
    // To the numbers with another outcome, and the first of them.
    await press('Tab', 'Tab', 'Enter', 'Tab', 'Enter');
    expect(await demo.getFocused()).toBe('number');
    await press('Enter');
    await demo.waitForNote('This phone cannot be reached.');
    expect(await demo.getFocused()).toBe('number');
    await press('Control+A');
    await keyboard.type('+1 415 555 0177');
    await press('Enter');
    await demo.code.waitFor();
    const code = await demo.readCode();
    await keyboard.type(wrongCode(code));
    await press('Enter');
    await demo.waitForNote('not the code');
    // To change the number, and back again.
    await press('Tab', 'Tab', 'Tab', 'Space');
    expect(await demo.getFocused()).toBe('number');
    await press('Enter');
    await demo.waitForTitle('Enter the code');
    await keyboard.type(code);
    await press('Tab', 'Space');
    await demo.waitForTitle('Verified');
    await press('Tab', 'Enter');
    expect(await demo.getFocused()).toBe('number');
  });

  it('works over http from another machine, where browsers offer fewer functions', async () => {
    await demo.close();
    await open((page) => page.addInitScript('delete Crypto.prototype.randomUUID'));
    await demo.verify(await demo.send());
    await demo.waitForTitle('Verified');
  });

  it('shows how long a code is if the back end says so', async () => {
    await demo.send();
    expect(
      await demo.page.getByRole('textbox', { name: '6-digit code', exact: true }).count(),
    ).toBe(1);
    const body = { step: 'code', to: '+1415•••0123', validForSeconds: 60, resendInSeconds: 0 };
    await demo.page.route('**/demo/state', (route) =>
      route.fulfill({ json: { ...body, codeLength: 4 } }),
    );
    await demo.page.reload();
    await demo.page.getByRole('textbox', { name: '4-digit code', exact: true }).waitFor();
  });

  it('counts down after too many requests', async () => {
    await demo.send();
    await advance(seconds(31));
    await demo.page.route('**/demo/resend', (route) =>
      route.fulfill({
        status: 429,
        headers: { 'retry-after': '40' },
        json: { code: 'too_many_requests' },
      }),
    );
    await demo.press('Send again');
    const note = await demo.waitForNote('That was too often in a short time.');
    expect(note).toBe('resend-note');
    await demo.page.getByText(/^Send again in (3\d|40) seconds$/).waitFor();
  });

  it('reads the code by WebOTP, and aborts the request once a code is submitted', async () => {
    await demo.close();
    await open((page) =>
      page.addInitScript(`
        window.OTPCredential = class {};
        navigator.credentials.get = ({ otp, signal }) => new Promise((resolve) => {
          window.reading = { otp, signal, resolve };
        });
      `),
    );
    const code = await demo.send();
    await demo.page.evaluate(`reading.resolve({ code: '${code}' })`);
    await demo.waitForTitle('Verified');
    expect(await demo.page.evaluate('[reading.otp, reading.signal.aborted]')).toEqual([
      { transport: ['sms'] },
      true,
    ]);
  });

  it('shows that the provider fails, and that the phone has no signal', async () => {
    const upstream = await startScriptedUpstream();
    upstream.answer(reply(500, {}));
    upstream.answerReads(reply(500, {}));
    const failing = await startService({ INFOBIP_BASE_URL: upstream.url });
    closing.push(upstream, failing);
    await demo.page.goto(`${failing.url}/demo`);
    await demo.press('Send code');
    expect(await demo.waitForNote('Sending failed.')).toBe('number-note');
    await demo.page.getByText('No signal: the sandbox does not answer.').waitFor();
  });
});
