import { writeFileSync } from 'node:fs';
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { openPage } from '../../support/browser.js';

export const LOOKS: [name: string, options: BrowserContextOptions][] = [
  ['light-1280', { colorScheme: 'light', viewport: { width: 1280, height: 800 } }],
  ['dark-1280', { colorScheme: 'dark', viewport: { width: 1280, height: 800 } }],
  ['light-360', { colorScheme: 'light', viewport: { width: 360, height: 800 } }],
  ['dark-360', { colorScheme: 'dark', viewport: { width: 360, height: 800 } }],
];

/** The page of an example that verifies a phone number, with the actions of its user. */
export class NumberPage {
  readonly number: Locator;
  readonly code: Locator;
  readonly note: Locator;
  readonly resendButton: Locator;

  private constructor(
    readonly page: Page,
    readonly errors: string[],
  ) {
    this.number = page.getByRole('textbox', { name: 'Phone number' });
    this.code = page.getByRole('textbox', { name: 'Code' });
    // Next adds an alert of its own, which is empty.
    this.note = page.getByRole('alert').filter({ hasText: /\S/ });
    this.resendButton = page.getByRole('button', { name: /^Send (again|a new code)/ });
  }

  static async open(
    browser: Browser,
    url: string,
    { prepare, ...options }: BrowserContextOptions & { prepare?: (page: Page) => unknown } = {},
  ): Promise<NumberPage> {
    const { page, errors } = await openPage(browser, { reducedMotion: 'reduce', ...options });
    await prepare?.(page);
    const numberPage = new NumberPage(page, errors);
    await page.goto(url);
    await numberPage.waitForTitle('Verify your number');
    return numberPage;
  }

  async waitForTitle(title: string): Promise<void> {
    await this.page.getByRole('heading', { name: title, exact: true }).waitFor();
  }

  async waitForNote(text: string): Promise<void> {
    await this.note.filter({ hasText: text }).waitFor();
  }

  /** Types a number and presses Enter. */
  async send(number: string): Promise<void> {
    await this.number.fill(number);
    await this.number.press('Enter');
  }

  /** Types a code and presses Enter. */
  async verify(code: string): Promise<void> {
    await this.code.fill(code);
    await this.code.press('Enter');
  }

  /** Clicks a button or a link. */
  async press(button: string): Promise<void> {
    const options = { name: button, exact: true };
    await this.page.getByRole('button', options).or(this.page.getByRole('link', options)).click();
  }

  /** The id or the text of the focused element. */
  getFocused(): Promise<string> {
    return this.page.evaluate('document.activeElement.id || document.activeElement.textContent');
  }

  /** Writes the file if the variable SCREENSHOTS names a folder. */
  async takeScreenshot(name: string): Promise<void> {
    const folder = process.env['SCREENSHOTS'];
    if (folder !== undefined)
      writeFileSync(`${folder}/${name}.png`, await this.page.screenshot({ fullPage: true }));
  }

  close(): Promise<void> {
    return this.page.context().close();
  }
}
