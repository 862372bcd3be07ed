import type { Page } from 'playwright-core';

/**
 * Collects everything that a browser page receives, to search it for secrets.
 * @returns a function that returns the bodies and headers so far, and what the page holds now
 */
export function recordResponses(page: Page): () => Promise<string> {
  const received: Promise<string>[] = [];
  page.on('response', (response) => {
    // A redirect has no body.
    const body = response.text().catch(() => '');
    const text = Promise.all([response.allHeaders(), body]).then((parts) => JSON.stringify(parts));
    received.push(text.catch(() => ''));
  });
  return async () =>
    [
      ...(await Promise.all(received)),
      await page.content(),
      page.url(),
      await page.evaluate<string>(
        'JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage }, history.state])',
      ),
    ].join('\n');
}
