import { writeFileSync } from 'node:fs';
import axe from 'axe-core';
import type { Browser, BrowserContextOptions } from 'playwright-core';
import { minutes, seconds } from '../../src/common/durations.js';
import { DemoPage, startDemo } from '../support/browser-demo.js';
import { startBrowser } from '../support/browser.js';
import { wrongCode } from '../support/wrong-code.js';
import type { RunningService } from '../support/service.js';

/** Chromium may have to be installed first. */
const START_TIMEOUT_MS = minutes(10);

jest.setTimeout(seconds(30));

const LOOKS: [name: string, options: BrowserContextOptions][] = [
  ['light', { colorScheme: 'light', viewport: { width: 1080, height: 720 } }],
  ['dark', { colorScheme: 'dark', viewport: { width: 1080, height: 720 } }],
  ['phone', { colorScheme: 'light', viewport: { width: 360, height: 900 } }],
];

describe('The demo page', () => {
  let browser: Browser;
  let service: RunningService;
  let demo: DemoPage;

  beforeAll(async () => {
    [browser, service] = await Promise.all([startBrowser(), startDemo()]);
  }, START_TIMEOUT_MS);

  afterAll(() => Promise.all([browser.close(), service.close()]));
  afterEach(() => demo.close());

  /** Evaluates axe from outside, so that the page keeps its Content-Security-Policy. */
  async function expectAccessible(): Promise<void> {
    await demo.page.evaluate(axe.source);
    const { violations } = await demo.page.evaluate<axe.AxeResults>('axe.run()');
    expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
    expect(
      await demo.page.evaluate('document.documentElement.scrollWidth - innerWidth'),
    ).toBeLessThanOrEqual(0);
  }

  it.each(LOOKS)('is accessible in every state (%s)', async (name, options) => {
    demo = await DemoPage.open(browser, service.url, {
      ...options,
      reducedMotion: 'reduce',
      prepare: (page) => page.clock.install(),
    });
    // The same number at every run, for equal screenshots.
    await demo.number.fill(`+1 415 555 014${String(LOOKS.findIndex(([look]) => look === name))}`);
    await demo.waitForPhone();
    await expectAccessible();

    const code = await demo.send();
    await expectAccessible();

    await demo.verify(wrongCode(code));
    await demo.waitForStatus('4 tries left');
    await expectAccessible();
    await demo.page.clock.fastForward('06');
    const picture = await demo.page.screenshot();
    if (process.env['UPDATE_SCREENSHOTS']) writeFileSync(`docs/images/demo-${name}.png`, picture);

    await demo.verify(code);
    await demo.waitForStatus('is verified');
    await expectAccessible();
  });

  it('is accessible when a code has expired', async () => {
    demo = await DemoPage.open(browser, service.url);
    const code = await demo.send();
    service.clock.advance(minutes(5));
    await demo.verify(code);
    await demo.waitForStatus('expired');
    await expectAccessible();
  });

  it('has inputs and buttons of at least 44 pixels', async () => {
    demo = await DemoPage.open(browser, service.url);
    await demo.send();
    const heights = await demo.page.evaluate<number[]>(
      `[...document.querySelectorAll('input, button')].map((each) => each.offsetHeight).filter(Boolean)`,
    );
    expect(Math.min(...heights)).toBeGreaterThanOrEqual(44);
  });
});
