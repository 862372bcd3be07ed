import axe from 'axe-core';
import type { Page } from 'playwright-core';

/** Expects no violation of axe, and no horizontal scrolling. Works under a Content-Security-Policy. */
export async function expectAccessible(page: Page): Promise<void> {
  // Next sets the title of a page a moment after its content.
  await page.waitForFunction('document.title');
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate<axe.AxeResults>('axe.run()');
  expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
  expect(
    await page.evaluate('document.documentElement.scrollWidth - innerWidth'),
  ).toBeLessThanOrEqual(0);
}
