import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { startSandbox } from '../../src/sandbox/sandbox.js';
import { openPage } from './browser.js';
import { FakeClock } from './fake-clock.js';
import { startService, type RunningService } from './service.js';

/** The machine's clock, which a test moves ahead: an HTTP answer's own `Date` has to fit. */
class MovableClock extends FakeClock {
  private ahead = 0;

  override now(): number {
    return Date.now() + this.ahead;
  }

  override advance(ms: number): void {
    this.ahead += ms;
  }
}

/** Starts the service and its sandbox, as a browser meets them. */
export async function startDemo(settings: NodeJS.ProcessEnv = {}): Promise<RunningService> {
  const clock = new MovableClock();
  const sandbox = await startSandbox({ port: 0, now: () => clock.now() });
  const service = await startService(
    { INFOBIP_BASE_URL: sandbox.url, THROTTLE_SEND_LIMIT: '1000', ...settings },
    clock,
  );
  return {
    ...service,
    close: async () => {
      await service.close();
      await sandbox.close();
    },
  };
}

/** The try-it page, in the words of who uses it. */
export class DemoPage {
  readonly number: Locator;
  readonly code: Locator;
  readonly status: Locator;
  /** The texts on the phone. */
  readonly messages: Locator;
  readonly resendButton: Locator;

  private constructor(
    readonly page: Page,
    readonly errors: readonly string[],
  ) {
    this.number = page.getByRole('textbox', { name: 'Phone number' });
    this.code = page.getByRole('textbox', { name: 'Code from the text' });
    this.status = page.getByRole('status');
    this.messages = page.getByRole('log').getByRole('article');
    this.resendButton = page.getByRole('button', { name: /^Send (again|a new code)/ });
  }

  /** Opens the page, and is done when its phone can be texted. */
  static async open(
    browser: Browser,
    url: string,
    { prepare, ...options }: BrowserContextOptions & { prepare?: (page: Page) => unknown } = {},
  ): Promise<DemoPage> {
    const { page, errors } = await openPage(browser, options);
    await prepare?.(page);
    const demo = new DemoPage(page, errors);
    await page.goto(`${url}/demo`);
    await demo.waitForPhone();
    return demo;
  }

  async waitForPhone(): Promise<void> {
    await this.page.getByText('This phone is +').waitFor();
  }

  /** Sends a code, and answers with the one that the phone shows. */
  async send(): Promise<string> {
    await this.press('Send code');
    await this.code.waitFor();
    return this.newestCode();
  }

  async verify(code: string): Promise<void> {
    await this.code.fill(code);
    await this.press('Verify');
  }

  async press(button: string): Promise<void> {
    await this.page.getByRole('button', { name: button, exact: true }).click();
  }

  /** Waits until the page says so. */
  async waitForStatus(text: string | RegExp): Promise<void> {
    await this.status.filter({ hasText: text }).waitFor();
  }

  /** Waits for the `count`-th text, and reads its code. */
  async newestCode(count = 1): Promise<string> {
    const text = this.messages.nth(count - 1);
    await text.waitFor();
    return (await text.locator('strong').textContent()) ?? '';
  }

  /** The accessible name or the id of what has the focus. */
  async focused(): Promise<string> {
    return this.page.evaluate('document.activeElement.id || document.activeElement.textContent');
  }

  close(): Promise<void> {
    return this.page.context().close();
  }
}
