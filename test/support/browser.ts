import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { sharedServiceUrl } from './services/shared-services.js';
import { scaleTimeLimit } from './time-scale.js';

/** A connection to the Chromium of this test run; closing it closes its pages. */
export async function startBrowser(): Promise<Browser> {
  const url = await sharedServiceUrl('chromium');
  if (url === undefined)
    throw new Error('No browser is running. Run this as a jest test: jest starts Chromium.');
  return chromium.connect(url);
}

/** The time limit of one action on a page, which only ends one that hangs. */
const ACTION_LIMIT_MS = scaleTimeLimit(30_000);

/** Chromium logs this for every status of at least 400 and every broken connection. */
const NETWORK_ERROR = 'Failed to load resource';

/** Opens a page in its own context. `errors` collects its errors and warnings. */
export async function openPage(
  browser: Browser,
  options: BrowserContextOptions = {},
): Promise<{ page: Page; errors: string[] }> {
  const context = await browser.newContext({ timezoneId: 'UTC', locale: 'en-GB', ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(ACTION_LIMIT_MS);
  const errors: string[] = [];
  page.on('pageerror', ({ message }) => errors.push(message));
  // A violation of the Content-Security-Policy is logged as an error too.
  page.on('console', (message) => {
    const isSevere = message.type() === 'error' || message.type() === 'warning';
    if (isSevere && !message.text().startsWith(NETWORK_ERROR)) errors.push(message.text());
  });
  return { page, errors };
}
