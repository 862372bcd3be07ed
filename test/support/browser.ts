import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { chromiumPath } from './services/chromium.js';

/** Starts a Chromium that nobody sees, and that calls nobody but the page's servers. */
export async function startBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: await chromiumPath(),
    args: [
      // Chromium's own sandbox needs a user that is not root; no page from outside is opened here.
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/** Nothing here takes a second. */
const PATIENCE_MS = 4_000;

/** What Chromium logs of every answer of 400 and above, and of every broken connection. */
const NETWORK_LINE = 'Failed to load resource';

/** A page of its own context, and whatever went wrong in it. */
export async function openPage(
  browser: Browser,
  options: BrowserContextOptions = {},
): Promise<{ page: Page; faults: string[] }> {
  const context = await browser.newContext({ timezoneId: 'UTC', locale: 'en-GB', ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const faults: string[] = [];
  page.on('pageerror', ({ message }) => faults.push(message));
  // A violation of the Content-Security-Policy is logged as an error too.
  page.on('console', (message) => {
    const grave = message.type() === 'error' || message.type() === 'warning';
    if (grave && !message.text().startsWith(NETWORK_LINE)) faults.push(message.text());
  });
  return { page, faults };
}
