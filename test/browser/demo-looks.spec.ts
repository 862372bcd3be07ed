import { writeFileSync } from 'node:fs';
import axe from 'axe-core';
import type { Browser, BrowserContextOptions, Locator } from 'playwright-core';
import { minutes, seconds } from '../../src/common/durations.js';
import { DemoPage, startDemo } from '../support/browser-demo.js';
import { startBrowser } from '../support/browser.js';
import { wrongCode } from '../support/wrong-code.js';
import type { RunningService } from '../support/service.js';

/** Chromium may have to be installed first. */
const START_TIMEOUT_MS = minutes(10);

jest.setTimeout(seconds(60));

const WIDE = { width: 1280, height: 760 };
/** A small phone. */
const NARROW = { width: 360, height: 640 };
/** What the keyboard on its screen leaves of its height. */
const ABOVE_KEYBOARD = 380;

const LOOKS: [name: string, options: BrowserContextOptions][] = [
  ['light', { colorScheme: 'light', viewport: WIDE }],
  ['dark', { colorScheme: 'dark', viewport: WIDE }],
  ['phone', { colorScheme: 'light', viewport: NARROW }],
  ['phone-dark', { colorScheme: 'dark', viewport: NARROW }],
];

/** These are in docs/images; the wide ones without the empty margins. */
const PUBLISHED = ['light', 'dark', 'phone'];
const toPicture = (name: string) =>
  name === 'phone' ? {} : { clip: { x: 180, y: 60, width: 920, height: 640 } };

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
  });

  afterEach(async () => {
    await demo.close();
    await service.close();
  });

  /** Evaluates axe from outside, so that the page keeps its Content-Security-Policy. */
  async function expectAccessible(): Promise<void> {
    await demo.page.evaluate(axe.source);
    const { violations } = await demo.page.evaluate<axe.AxeResults>('axe.run()');
    expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
    expect(
      await demo.page.evaluate('document.documentElement.scrollWidth - innerWidth'),
    ).toBeLessThanOrEqual(0);
  }

  it.each(LOOKS)('is accessible in every step (%s)', async (name, options) => {
    let pictures = 0;
    const check = async (state: string) => {
      await expectAccessible();
      const folder = process.env['SCREENSHOTS'];
      if (folder === undefined) return;
      pictures += 1;
      const path = `${folder}/demo-${name}-${String(pictures)}-${state}.png`;
      writeFileSync(path, await demo.page.screenshot());
    };
    demo = await DemoPage.open(browser, service.url, {
      ...options,
      reducedMotion: 'reduce',
      prepare: async (page) => {
        await page.clock.install();
        // The same examples at every run, for equal screenshots.
        await page.addInitScript('Math.random = () => 0.84');
      },
    });
    await demo.number.fill(`+1 415 555 014${String(LOOKS.findIndex(([look]) => look === name))}`);
    await check('number');
    await demo.page.getByText('Numbers with another outcome').click();
    await check('examples');
    await demo.page.getByText('Premium number').click();
    await demo.press('Send code');
    await demo.waitForNote('We send no codes to numbers of this kind.');
    await check('blocked');
    await demo.page.getByText('Numbers with another outcome').click();

    await demo.number.fill(`+1 415 555 014${String(LOOKS.findIndex(([look]) => look === name))}`);
    const code = await demo.send();
    await check('code');
    await demo.verify(wrongCode(code));
    await demo.waitForNote('4 tries left');
    await demo.page.clock.fastForward('06');
    await check('wrong-code');
    if (process.env['UPDATE_SCREENSHOTS'] && PUBLISHED.includes(name))
      writeFileSync(`docs/images/demo-${name}.png`, await demo.page.screenshot(toPicture(name)));

    service.clock.advance(seconds(30));
    await demo.page.clock.fastForward('31');
    await demo.press('Send again');
    await demo.waitForNote('Sent again.');
    await demo.readCode(2);
    await check('resent');

    await demo.verify(code);
    await demo.waitForTitle('Verified');
    await check('verified');

    await demo.press('Verify another number');
    service.clock.advance(seconds(30));
    await demo.send();
    service.clock.advance(minutes(5));
    await demo.page.clock.fastForward('05:01');
    await demo.waitForTitle('This code has expired');
    await check('expired');
  });

  it('shows the message, the field and the button on a small phone without scrolling', async () => {
    demo = await DemoPage.open(browser, service.url, { viewport: NARROW, hasTouch: true });
    const code = await demo.send();
    const isAbove = async (height: number, parts: Locator[]) => {
      const boxes = await Promise.all(parts.map((part) => part.boundingBox()));
      return boxes.every((box) => box && box.y >= 0 && box.y + box.height <= height);
    };
    const isInSight = async () =>
      (await isAbove(ABOVE_KEYBOARD, [demo.messages.last(), demo.title, demo.code])) &&
      (await isAbove(NARROW.height, [demo.page.locator('#verify'), demo.resendButton]));
    expect(await demo.page.evaluate('scrollY')).toBe(0);
    expect(await demo.messages.last().textContent()).toContain(code);
    expect(await isInSight()).toBe(true);

    // The newest of several messages is the one in sight.
    await demo.verify(wrongCode(code));
    await demo.waitForNote('4 tries left');
    service.clock.advance(seconds(30));
    await demo.page.reload();
    await demo.press('Send again');
    await demo.waitForNote('Sent again.');
    await demo.readCode(2);
    expect(await demo.page.evaluate('scrollY')).toBe(0);
    expect(await isInSight()).toBe(true);
  });

  it('has inputs and buttons of at least 44 pixels', async () => {
    demo = await DemoPage.open(browser, service.url);
    const heights = () =>
      demo.page.evaluate<number[]>(
        `[...document.querySelectorAll('input, button, summary')].map((each) => each.offsetHeight).filter(Boolean)`,
      );
    await demo.page.getByText('Numbers with another outcome').click();
    expect(Math.min(...(await heights()))).toBeGreaterThanOrEqual(44);
    await demo.send();
    expect(Math.min(...(await heights()))).toBeGreaterThanOrEqual(44);
  });
});
