import type { Browser } from 'playwright-core';
import { minutes, seconds } from '../../../src/common/durations.js';
import { OtpService } from '../../../src/otp/otp.service.js';
import { startBrowser } from '../../support/browser.js';
import { wrongCode } from '../../support/wrong-code.js';
import { expectAccessible } from './accessibility.js';
import { LOOKS, NumberPage } from './number-page.js';
import { recordResponses } from './page-secrets.js';
import { startExample, type ExampleOptions, type RunningExample } from './running-example.js';

/** Another number for each test, since a number has a cooldown. */
let lastNumber = 200;
const nextNumber = () => `+1415555${String((lastNumber += 1)).padStart(4, '0')}`;

/**
 * Adds the tests that all examples share: of the pages that verify a phone number.
 * @param isAction whether a POST to this path sends or verifies
 * @returns gets the running example
 */
export function addNumberVerificationTests(
  name: string,
  isAction: (path: string) => boolean,
  options: ExampleOptions = {},
): () => RunningExample {
  let browser: Browser;
  let example: RunningExample;
  let page: NumberPage;
  let hasPage = false;
  let number: string;
  /** The paths of the requests that did something. */
  let actions: string[];

  beforeAll(async () => {
    // Chromium and the packages of the example may have to be installed first.
    [browser, example] = await Promise.all([startBrowser(), startExample(name, options)]);
  }, minutes(10));

  afterAll(async () => {
    await browser.close();
    await example.close();
  });

  beforeEach(() => {
    number = nextNumber();
    actions = [];
  });

  afterEach(async () => {
    if (!hasPage) return;
    hasPage = false;
    await page.close();
    expect(page.errors).toEqual([]);
  });

  const open = async (options: Parameters<typeof NumberPage.open>[2] = {}) => {
    page = await NumberPage.open(browser, example.url, options);
    hasPage = true;
    page.page.on('request', (request) => {
      const path = request.url().slice(example.url.length);
      if (request.method() === 'POST' && isAction(path)) actions.push(path);
    });
  };

  const receivedCodes = () => example.service.getReceivedCodes(number);

  /** Sends a code and returns it. */
  async function send(): Promise<string> {
    await page.send(number);
    await page.waitForTitle('Enter the code');
    const [code = ''] = await receivedCodes();
    return code;
  }

  it.each(LOOKS)('is accessible at every step (%s)', async (look, options) => {
    await open(options);
    await expectAccessible(page.page);

    await page.send('415 555 0123');
    await page.waitForNote('Begin with + and the country code');
    expect(await page.getFocused()).toBe('number');
    await expectAccessible(page.page);
    await page.takeScreenshot(`${name}-${look}-number`);

    const code = await send();
    expect(await page.getFocused()).toBe('code');
    await expectAccessible(page.page);
    await page.verify(wrongCode(code));
    await page.waitForNote('That is not the code. You have 4 tries left.');
    await expectAccessible(page.page);
    await page.takeScreenshot(`${name}-${look}-code`);

    await page.verify(code);
    await page.waitForTitle('Verified');
    await expectAccessible(page.page);
    await page.takeScreenshot(`${name}-${look}-verified`);
  });

  it('verifies a number with the right code, and stays verified', async () => {
    await open();
    await page.verify(await send());

    await page.waitForTitle('Verified');
    expect(await page.getFocused()).toBe('title');
    await page.page
      .getByText(`The number ${number.slice(0, 5)}•••${number.slice(-4)} is yours.`)
      .waitFor();
    await page.page.reload();
    await page.waitForTitle('Verified');
    await page.page.goBack();
    await page.waitForTitle('Verified');
    expect(await page.number.count()).toBe(0);
  });

  it('says that a code is wrong, and accepts the right one afterwards', async () => {
    await open();
    const code = await send();

    await page.verify(wrongCode(code));
    await page.waitForNote('That is not the code. You have 4 tries left.');
    expect(await page.getFocused()).toBe('code');
    expect(await page.code.getAttribute('aria-invalid')).toBe('true');
    await page.verify(code);

    await page.waitForTitle('Verified');
  });

  it('asks for a new code after too many wrong ones', async () => {
    await open(LOOKS[2]?.[1]);
    const code = await send();
    for (const left of ['4 tries', '3 tries', '2 tries', '1 try']) {
      await page.verify(wrongCode(code));
      await page.waitForNote(`You have ${left} left.`);
    }
    await page.verify(wrongCode(code));

    await page.waitForTitle('Too many wrong codes');
    expect(await page.getFocused()).toBe('title');
    expect(await page.resendButton.textContent()).toMatch(/^Send a new code in \d+ seconds?$/);
    await expectAccessible(page.page);
    await page.takeScreenshot(`${name}-over`);
  });

  it('says why a number gets no code', async () => {
    await open();

    await page.send('+1 900 555 0123');

    await page.waitForNote('We cannot send a code to this number. Use another one.');
    await send();
  });

  it('has a field for which phones offer the code', async () => {
    await open();
    await send();

    expect(await page.code.getAttribute('autocomplete')).toBe('one-time-code');
    expect(await page.code.getAttribute('inputmode')).toBe('numeric');
  });

  it('verifies the code of an SMS that the browser can read', async () => {
    const pretendToReadSms = `window.OTPCredential = class {};
      navigator.credentials.get = ({ otp, signal }) => new Promise((resolve, reject) => {
        if (otp.transport[0] === 'sms') window.receiveSms = (code) => resolve({ code });
        signal.addEventListener('abort', () => reject(signal.reason));
      });`;
    await open({ prepare: (opened) => opened.addInitScript(pretendToReadSms) });
    const code = await send();

    await page.page.evaluate(`receiveSms('${code}')`);

    await page.waitForTitle('Verified');
  });

  it('says that there is no connection, and sends when there is one again', async () => {
    await open();
    await page.page.context().setOffline(true);
    await page.send(number);
    await page.waitForNote('There is no connection. Check your network, then try again.');
    await page.page.context().setOffline(false);
    const retry = page.page.getByRole('button', { name: 'Try again', exact: true });
    if (await retry.isVisible()) await retry.click();

    await page.verify(await send());

    await page.waitForTitle('Verified');
    // React logs an error that its error page shows.
    page.errors.length = 0;
  });

  it('sends and verifies once when its buttons are clicked twice', async () => {
    await open();
    await page.number.fill(number);
    await page.page.getByRole('button', { name: 'Send code' }).dblclick();
    await page.waitForTitle('Enter the code');
    const codes = await receivedCodes();
    await page.code.fill(wrongCode(codes[0] ?? ''));
    await page.page.getByRole('button', { name: 'Verify', exact: true }).dblclick();
    await page.waitForNote('You have 4 tries left.');

    expect(codes).toHaveLength(1);
    expect(actions).toHaveLength(2);
    expect(await receivedCodes()).toHaveLength(1);
  });

  it('keeps its step when it is reloaded', async () => {
    await open();
    const code = await send();

    await page.page.reload();
    await page.waitForTitle('Enter the code');
    expect(await page.resendButton.textContent()).toMatch(/^Send again in \d+ seconds?$/);
    await page.verify(wrongCode(code));
    await page.waitForNote('You have 4 tries left.');
    await page.page.reload();
    await page.waitForTitle('Enter the code');
    await page.verify(code);

    await page.waitForTitle('Verified');
    expect(await receivedCodes()).toHaveLength(1);
  });

  it('goes back to the number, and forward to the code that was sent', async () => {
    await open();
    const code = await send();

    await page.page.goBack();
    await page.waitForTitle('Verify your number');
    expect(await page.getFocused()).toBe('number');
    await page.page.goForward();
    await page.waitForTitle('Enter the code');
    await page.press('Change the number');
    await page.waitForTitle('Verify your number');
    // The same number again: the code from before stays valid, and no second message is sent.
    await send();
    await page.verify(code);

    await page.waitForTitle('Verified');
    expect(await receivedCodes()).toHaveLength(1);
  });

  it('shows no pinId, API key or code to the browser', async () => {
    const sends = jest.spyOn(example.service.app.get(OtpService), 'send');
    let readAll: () => Promise<string> = async () => '';
    await open({
      prepare: (opened) => {
        readAll = recordResponses(opened);
      },
    });
    const code = await send();
    await page.verify(wrongCode(code));
    await page.waitForNote('You have 4 tries left.');
    const midway = await readAll();
    await page.page.reload();
    await page.waitForTitle('Enter the code');
    await page.verify(code);
    await page.waitForTitle('Verified');
    const received = midway + (await readAll());

    const [sent] = await Promise.all(sends.mock.results.map(({ value }) => value));
    const { pinId } = sent.body;
    expect(pinId).toMatch(/^[\w-]{20,}$/);
    // All that was received would be too long for the message of a failure.
    const secrets = { pinId, apiKey: example.apiKey, code, number, name: 'pinId' };
    const found = Object.entries(secrets).filter(([, secret]) => received.includes(secret));
    expect(found).toEqual([]);
    expect(received.includes(`${number.slice(0, 5)}•••${number.slice(-4)}`)).toBe(true);
    expect(example.output).not.toContain(pinId);
    sends.mockRestore();
  });

  // The last three move the clock of the service, not that of the example.

  it('sends the code again after a countdown', async () => {
    await open({ prepare: (opened) => opened.clock.install() });
    const code = await send();
    await page.resendButton.press('Enter');
    expect(actions).toHaveLength(1);

    example.service.clock.advance(seconds(31));
    await page.page.clock.fastForward(seconds(31));
    await page.press('Send again');
    await page.page.getByText('Sent again. Look at your phone.').waitFor();

    expect(await receivedCodes()).toEqual([code, code]);
    expect(await page.resendButton.textContent()).toMatch(/^Send again in \d+ seconds?$/);
    await page.verify(code);
    await page.waitForTitle('Verified');
  });

  it('sends a new code instead of one that was sent six times', async () => {
    await open({ prepare: (opened) => opened.clock.install() });
    const code = await send();
    for (let resends = 1; resends <= 6; resends += 1) {
      example.service.clock.advance(seconds(31));
      await page.page.clock.fastForward(minutes(4));
      await page.press('Send again');
      await page.resendButton.filter({ hasText: /^Send again in/ }).waitFor();
    }

    const [newCode = '', ...codes] = await receivedCodes();
    expect(codes).toEqual(Array(6).fill(code));
    expect(newCode).not.toBe(code);
    await page.verify(newCode);
    await page.waitForTitle('Verified');
  });

  it('replaces an expired code', async () => {
    await open({ prepare: (opened) => opened.clock.install() });
    const code = await send();
    example.service.clock.advance(minutes(6));

    await page.verify(code);
    await page.waitForTitle('This code has expired');
    expect(await page.code.count()).toBe(0);
    await page.page.reload();
    await page.waitForTitle('This code has expired');
    await page.page.clock.fastForward(minutes(10));
    await page.press('Send a new code');
    await page.waitForTitle('Enter the code');
    const [newCode = ''] = await receivedCodes();
    expect(newCode).not.toBe(code);
    await page.verify(newCode);

    await page.waitForTitle('Verified');
  });

  return () => example;
}
