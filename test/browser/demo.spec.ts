import type { Browser, Page } from 'playwright-core';
import { minutes, seconds } from '../../src/common/durations.js';
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

  it('sends a code to the phone on the page and verifies it', async () => {
    const code = await demo.send();
    await demo.waitForStatus(/^Sent a code to \+1415•••01\d\d\. It is valid for 5 minutes\.$/);
    expect(await demo.getFocused()).toBe('code');

    await demo.verify(code);

    await demo.waitForStatus(/^\+1415•••01\d\d is verified\.$/);
    expect(await demo.getFocused()).toBe('restart');
  });

  it.each([
    ['spaces', (code: string) => `${code.slice(0, 3)} ${code.slice(3)}`],
    ['Arabic-Indic digits', (code: string) => toScript(code, '٠')],
    ['Devanagari digits', (code: string) => toScript(code, '०')],
    ['full-width digits', (code: string) => toScript(code, '０')],
  ])('verifies a code that is typed with %s', async (_what, type) => {
    const code = await demo.send();
    await demo.code.pressSequentially(type(code));
    expect(await demo.code.inputValue()).toBe(code);

    await demo.press('Verify');
    await demo.waitForStatus('is verified');
  });

  it('shows the remaining attempts after a wrong code', async () => {
    const code = await demo.send();
    for (const left of ['4 tries', '3 tries', '2 tries', '1 try']) {
      await demo.verify(wrongCode(code));
      await demo.waitForStatus(`That is not the code. You have ${left} left.`);
    }
    expect(await demo.code.getAttribute('aria-invalid')).toBe('true');
    expect(await demo.getFocused()).toBe('code');

    await demo.verify(code);
    await demo.waitForStatus('is verified');
  });

  it('offers a new code after five wrong ones', async () => {
    const code = await demo.send();
    for (let tries = 1; tries <= 5; tries += 1) {
      await demo.verify(wrongCode(code));
      await demo.waitForStatus(
        tries < 5 ? /not the code/ : 'Too many wrong codes. Send a new one.',
      );
    }
    expect(await demo.code.isVisible()).toBe(false);
    expect(await demo.getFocused()).toBe('resend');

    service.clock.advance(seconds(30));
    await demo.page.clock.fastForward('31');
    await demo.press('Send a new code');
    await demo.verify(await demo.readCode(2));
    await demo.waitForStatus('is verified');
  });

  it('counts down until the code can be sent again', async () => {
    const code = await demo.send();
    expect(await demo.resendButton.textContent()).toMatch(/^Send again in (30|31) seconds$/);
    await demo.resendButton.click({ force: true });
    await demo.page.clock.fastForward('20');
    await demo.page.getByText(/^Send again in (9|10|11) seconds$/).waitFor();
    expect(await demo.resendButton.getAttribute('aria-disabled')).toBe('true');
    expect(await demo.messages.count()).toBe(1);

    service.clock.advance(seconds(30));
    await demo.page.clock.fastForward('11');
    await demo.press('Send again');

    expect(await demo.readCode(2)).toBe(code);
    await demo.resendButton.and(demo.page.locator('[aria-disabled=true]')).waitFor();
    await demo.verify(code);
    await demo.waitForStatus('is verified');
  });

  it('shows that a code has expired', async () => {
    const code = await demo.send();
    service.clock.advance(minutes(5));
    await demo.verify(code);
    await demo.waitForStatus('This code has expired. Send a new one.');
    expect(await demo.getFocused()).toBe('resend');
  });

  it('shows that a newer code was sent', async () => {
    const phoneNumber = await demo.number.inputValue();
    const code = await demo.send();
    service.clock.advance(seconds(30));
    await service.http.post('/otp/send').send({ phoneNumber }).expect(200);
    await demo.verify(code);
    await demo.waitForStatus('A newer code was sent');
  });

  it('shows the time until another code can be sent to the number', async () => {
    await demo.send();
    await demo.press('Use another number');
    expect(await demo.getFocused()).toBe('number');
    await demo.press('Send code');
    await demo.waitForStatus(
      /^This number was sent a code moments ago\. Try again in (29|30) seconds\.$/,
    );
  });

  it('shows why a number is invalid', async () => {
    await demo.number.fill('0123');
    await demo.press('Send code');
    await demo.waitForStatus('The + is missing. Begin with + and the country code');
    expect(await demo.number.getAttribute('aria-invalid')).toBe('true');
    expect(await demo.getFocused()).toBe('number');
  });

  it('shows that a number is blocked', async () => {
    await demo.number.fill('+19007685518');
    await demo.press('Send code');
    await demo.waitForStatus('No codes are sent to numbers like this one. Use another one.');
  });

  it('shows that it is sending, and sends only once', async () => {
    const requests: string[] = [];
    let answer: () => void = () => undefined;
    await demo.page.route('**/otp/send', async (route) => {
      requests.push(route.request().url());
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
      await route.continue();
    });
    await demo.press('Send code');
    await demo.waitForStatus('Sending a code…');
    await demo.press('Send code');
    answer();
    await demo.readCode();
    expect(requests).toHaveLength(1);
  });

  it('retries with the same idempotency key when a response is lost, for only one message', async () => {
    const keys: string[] = [];
    await demo.page.route('**/otp/send', async (route) => {
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
    await demo.page.route('**/otp/send', async (route) => {
      keys.add((await route.request().allHeaders())['idempotency-key']);
      return route.abort();
    });
    await demo.press('Send code');
    await demo.waitForStatus('The service cannot be reached.');
    await demo.page.unroute('**/otp/send');
    const retried = demo.page.waitForRequest('**/otp/send');
    await demo.send();
    keys.add((await (await retried).allHeaders())['idempotency-key']);
    expect(keys.size).toBe(1);
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
    await demo.waitForStatus('is verified');
  });

  it('can be used with the keyboard only', async () => {
    const { keyboard } = demo.page;
    expect(await demo.getFocused()).toBe('number');
    await keyboard.press('Enter');
    await demo.code.waitFor();
    const code = await demo.readCode();
    await keyboard.type(wrongCode(code));
    await keyboard.press('Enter');
    await demo.waitForStatus('not the code');
    await keyboard.type(code);
    await keyboard.press('Tab');
    await keyboard.press('Space');
    await demo.waitForStatus('is verified');
    await keyboard.press('Enter');
    expect(await demo.getFocused()).toBe('number');
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
    await demo.waitForStatus('is verified');
    expect(await demo.page.evaluate('[reading.otp, reading.signal.aborted]')).toEqual([
      { transport: ['sms'] },
      true,
    ]);
  });

  it('shows that the provider fails, and that the phone has no signal', async () => {
    const upstream = await startScriptedUpstream();
    upstream.answer(reply(500, {}));
    upstream.answerReads(reply(500, {}, { 'access-control-allow-origin': '*' }));
    const failing = await startService({ INFOBIP_BASE_URL: upstream.url });
    closing.push(upstream, failing);
    await demo.page.goto(`${failing.url}/demo`);
    await demo.page.getByText(`No signal: is the sandbox at ${upstream.url} running?`).waitFor();
    await demo.press('Send code');
    await demo.waitForStatus('That does not work right now.');
  });
});
