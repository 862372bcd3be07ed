import { writeFileSync } from 'node:fs';
import axe from 'axe-core';
import type { Browser, BrowserContextOptions } from 'playwright-core';
import { minutes, seconds } from '../../src/common/durations.js';
import { API } from '../support/api-document.js';
import { openPage, startBrowser } from '../support/browser.js';
import { startSandboxedService, type RunningService } from '../support/service.js';

/** Chromium may have to be installed first. */
const STARTING_MS = minutes(10);

jest.setTimeout(seconds(60));

const LOOKS: [name: string, options: BrowserContextOptions][] = [
  ['light', { colorScheme: 'light', viewport: { width: 1280, height: 900 } }],
  ['dark', { colorScheme: 'dark', viewport: { width: 1280, height: 900 } }],
  ['phone', { colorScheme: 'light', viewport: { width: 360, height: 800 } }],
];

describe('The page of the API', () => {
  let browser: Browser;
  let service: RunningService;

  beforeAll(async () => {
    [browser, service] = await Promise.all([startBrowser(), startSandboxedService()]);
  }, STARTING_MS);

  afterAll(() => Promise.all([browser.close(), service.close()]));

  it.each(LOOKS)('is accessible, and keeps its own policy (%s)', async (name, options) => {
    const { page, faults } = await openPage(browser, options);
    await page.goto(`${service.url}/docs`);
    // The style got through: without it nothing is laid out.
    expect(await page.evaluate('getComputedStyle(document.body).maxWidth')).not.toBe('none');
    if (process.env['SCREENSHOTS']) {
      writeFileSync(`${process.env['SCREENSHOTS']}/docs-${name}.png`, await page.screenshot());
    }
    await page.evaluate(`document.querySelectorAll('details').forEach((each) => each.open = true)`);
    await page.evaluate(axe.source);
    const { violations } = await page.evaluate<axe.AxeResults>('axe.run()');

    expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
    expect(
      await page.evaluate('document.documentElement.scrollWidth - innerWidth'),
    ).toBeLessThanOrEqual(0);
    expect(faults).toEqual([]);
    await page.context().close();
  });

  it('leads to every call, with an example of it and all its answers', async () => {
    const { page } = await openPage(browser);
    await page.goto(`${service.url}/docs`);

    for (const item of Object.values(API.paths)) {
      for (const { operationId, summary, responses } of Object.values(item)) {
        await page
          .getByRole('navigation')
          .getByRole('link', { name: summary, exact: true })
          .click();
        const section = page.locator(`#${operationId}`);
        expect(await section.locator('pre').textContent()).toMatch(/^curl -s/);
        expect(await section.locator('summary').allTextContents()).toEqual(Object.keys(responses));
        expect(new URL(page.url()).hash).toBe(`#${operationId}`);
      }
    }
    await page.context().close();
  });
});
