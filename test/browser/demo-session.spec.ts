import type { Browser } from 'playwright-core';
import { minutes, seconds } from '../../src/common/durations.js';
import { DemoPage, startDemo } from '../support/browser-demo.js';
import { startBrowser } from '../support/browser.js';
import { watchPinId } from '../support/watch-pin-id.js';
import { wrongCode } from '../support/wrong-code.js';
import type { RunningService } from '../support/service.js';

/** Chromium may have to be installed first. */
const START_TIMEOUT_MS = minutes(10);

jest.setTimeout(seconds(20));

/** What the page says will happen with each example number, and how to see that it does. */
const OUTCOMES: Readonly<Record<string, (demo: DemoPage) => Promise<unknown>>> = {
  'The phone cannot be reached': (demo) => demo.waitForNote('This phone cannot be reached.'),
  'Premium number: gets no codes': (demo) =>
    demo.waitForNote('We send no codes to numbers of this kind.'),
  'The message takes two seconds': async (demo) => {
    await demo.waitForTitle('Enter the code');
    await demo.readCode();
  },
  'The message arrives unconfirmed': async (demo) => {
    await demo.waitForNote('If a code arrives anyway, it does not work');
    await demo.readCode();
  },
  'The message provider fails': (demo) => demo.waitForNote('Sending failed.'),
  'The code arrives expired': async (demo) => {
    await demo.waitForTitle('Enter the code');
    await demo.verify(await demo.readCode());
    await demo.waitForTitle('This code has expired');
  },
  'Even the right code is rejected': async (demo) => {
    await demo.waitForTitle('Enter the code');
    await demo.verify(await demo.readCode());
    await demo.waitForTitle('Too many wrong codes');
  },
  'The answer to the code is lost': async (demo) => {
    await demo.waitForTitle('Enter the code');
    await demo.verify(await demo.readCode());
    await demo.waitForTitle('Verified');
  },
};

describe('The demo page', () => {
  let browser: Browser;
  let service: RunningService;
  let demo: DemoPage;

  beforeAll(async () => {
    browser = await startBrowser();
  }, START_TIMEOUT_MS);

  afterAll(() => browser.close());

  beforeEach(async () => {
    service = await startDemo();
    demo = await DemoPage.open(browser, service.url);
  });

  afterEach(async () => {
    const { errors } = demo;
    // The page is closed first, because a server waits for the browser's connections.
    await demo.close();
    await service.close();
    expect(errors).toEqual([]);
  });

  const reload = async () => {
    await demo.page.reload();
    await demo.title.waitFor();
  };

  it('keeps its step when it is reloaded', async () => {
    const code = await demo.send();
    await reload();
    await demo.waitForTitle('Enter the code');
    expect(await demo.getFocused()).toBe('code');
    expect(await demo.readCode()).toBe(code);
    expect(await demo.resendButton.textContent()).toMatch(/^Send again in \d+ seconds$/);

    await demo.verify(wrongCode(code));
    await demo.waitForNote('You have 4 tries left.');
    await reload();
    await demo.waitForTitle('Enter the code');
    expect(await demo.note.count()).toBe(0);
    await demo.verify(wrongCode(code));
    await demo.waitForNote('You have 3 tries left.');

    await demo.verify(code);
    await demo.waitForTitle('Verified');
    await reload();
    await demo.waitForTitle('Verified');
  });

  it('shows after a reload that the code has expired', async () => {
    await demo.send();
    service.clock.advance(minutes(5));
    await reload();
    await demo.waitForTitle('This code has expired');
    expect(await demo.code.isVisible()).toBe(false);
  });

  it('shows the code field after a reload in the middle of a send', async () => {
    let markSent: () => void = () => undefined;
    const isSent = new Promise<void>((resolve) => {
      markSent = resolve;
    });
    await demo.page.route('**/demo/send', async (route) => {
      await route.fetch();
      markSent();
    });
    await demo.press('Send code');
    await isSent;
    await reload();
    await demo.waitForTitle('Enter the code');
    await demo.verify(await demo.readCode());
    await demo.waitForTitle('Verified');
  });

  it('is verified after a reload in the middle of a verify', async () => {
    const code = await demo.send();
    let markVerified: () => void = () => undefined;
    const isVerified = new Promise<void>((resolve) => {
      markVerified = resolve;
    });
    await demo.page.route('**/demo/verify', async (route) => {
      await route.fetch();
      markVerified();
    });
    await demo.verify(code);
    await isVerified;
    await reload();
    await demo.waitForTitle('Verified');
  });

  it('goes back to the number, and forward to the code', async () => {
    const number = await demo.number.inputValue();
    const code = await demo.send();
    await demo.page.goBack();
    await demo.waitForTitle('Verify your number');
    expect(await demo.number.inputValue()).toBe(number);
    await reload();
    await demo.waitForTitle('Verify your number');

    await demo.page.goForward();
    await demo.waitForTitle('Enter the code');
    await demo.verify(code);
    await demo.waitForTitle('Verified');
    // The used code is not asked for again.
    await demo.page.goBack();
    await demo.waitForTitle('Verify your number');
    await demo.page.goForward();
    await demo.waitForTitle('Verified');
  });

  it('goes back from a changed number to the code', async () => {
    const code = await demo.send();
    await demo.press('Change the number');
    await demo.waitForTitle('Verify your number');
    await demo.page.goBack();
    await demo.waitForTitle('Enter the code');
    await demo.verify(code);
    await demo.waitForTitle('Verified');
  });

  it('asks for the code that was sent, and sends none, if the same number is entered again', async () => {
    const code = await demo.send();
    await demo.press('Change the number');
    await demo.press('Send code');
    await demo.waitForTitle('Enter the code');
    expect(await demo.messages.count()).toBe(1);
    await demo.verify(code);
    await demo.waitForTitle('Verified');
  });

  it('sends to another number after a change, and shows only its messages', async () => {
    await demo.number.fill('+1 415 555 0160');
    await demo.send();
    await demo.press('Change the number');
    await demo.number.fill('+1 415 555 0161');
    await demo.press('Send code');
    await demo.lead.filter({ hasText: '+1415•••0161' }).waitFor();
    await demo.page.getByRole('log').getByRole('article').first().waitFor();
    expect(await demo.messages.count()).toBe(1);
  });

  it('starts again if the session is over', async () => {
    const code = await demo.send();
    await demo.page.context().clearCookies();
    await demo.verify(code);
    await demo.waitForTitle('Verify your number');
    expect(await demo.waitForNote('the code is no longer known here')).toBe('number-note');
  });

  it('has one session in two tabs', async () => {
    const code = await demo.send();
    const tab = await demo.page.context().newPage();
    await tab.goto(`${service.url}/demo`);
    await tab.getByRole('textbox', { name: 'Code' }).fill(code);
    await tab.getByRole('button', { name: 'Verify' }).click();
    await tab.getByRole('heading', { name: 'Verified' }).waitFor();
    await demo.verify(code);
    await demo.waitForTitle('Verified');
  });

  it('offers numbers with another outcome', async () => {
    const outcomes = demo.page.locator('#examples button span:first-child');
    expect(await outcomes.allTextContents()).toEqual(Object.keys(OUTCOMES));
  });

  it.each(Object.entries(OUTCOMES))('keeps the promise "%s"', async (outcome, expectOutcome) => {
    await demo.page.getByText('Numbers with another outcome').click();
    await demo.page.getByRole('button', { name: outcome }).click();
    const text = outcome.charAt(0).toLowerCase() + outcome.slice(1);
    await demo.page.getByText(`trying out: ${text}`).waitFor();
    await demo.press('Send code');
    await expectOutcome(demo);
  });

  it('has no pinId in any response, cookie, storage or part of the page', async () => {
    const getPinId = watchPinId(service);
    const bodies: Promise<string>[] = [];
    // Wait until the page has loaded: a reload discards the body of a response that is still arriving.
    await demo.page.getByText('The message with the code arrives here.').waitFor();
    demo.page.on('response', (response) => bodies.push(response.text()));
    await reload();
    const code = await demo.send();
    await demo.verify(wrongCode(code));
    await demo.waitForNote('not the code');
    const readPage = () =>
      demo.page.evaluate<string>(
        `[document.cookie, document.documentElement.outerHTML, location.href,
          JSON.stringify([localStorage, sessionStorage, history.state])].join()`,
      );
    const states = [await readPage()];
    await demo.verify(code);
    await demo.waitForTitle('Verified');
    states.push(await readPage(), ...(await Promise.all(bodies)));
    const pinId = await getPinId();

    expect(await demo.page.evaluate('document.cookie')).toBe('');
    expect(await demo.page.evaluate('indexedDB.databases()')).toEqual([]);
    expect(states.length).toBeGreaterThan(10);
    for (const text of states) {
      expect(text).not.toContain(pinId);
      expect(text).not.toContain('"pinId"');
    }
  });
});
