import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { startSandbox } from '../../src/sandbox/sandbox.js';
import { openPage } from './browser.js';
import { FakeClock } from './fake-clock.js';
import { startService, type RunningService } from './service.js';

/**
 * The system clock plus the time by which a test advanced it. The demo page compares times of the
 * service with the browser's clock, which is the system clock.
 */
export class OffsetClock extends FakeClock {
  protected override readWallClock(): number {
    return Date.now() + super.readWallClock();
  }

  protected override readMonotonicClock(): number {
    return performance.now() + super.readMonotonicClock();
  }
}

/** Starts the service with a sandbox, and with limits that a browser test does not reach. */
export async function startDemo(): Promise<RunningService> {
  const clock = new OffsetClock(0);
  const sandbox = await startSandbox({ port: 0, now: () => clock.now() });
  const service = await startService(
    {
      INFOBIP_BASE_URL: sandbox.url,
      THROTTLE_SEND_LIMIT: '1000',
      SENDS_PER_END_USER_IP_PER_HOUR: '1000',
    },
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

/** The demo page, with the actions of its user. */
export class DemoPage {
  /** The title of the step. */
  readonly title: Locator;
  /** The paragraph below the title. */
  readonly lead: Locator;
  readonly number: Locator;
  readonly code: Locator;
  /** The error note that has a text. Each input has a note, and so has the button to send again. */
  readonly note: Locator;
  /** The messages on the phone. */
  readonly messages: Locator;
  readonly resendButton: Locator;

  private constructor(
    readonly page: Page,
    /** The errors and warnings of the browser's console. */
    readonly errors: readonly string[],
  ) {
    this.title = page.getByRole('heading', { level: 1 });
    this.lead = page.locator('#lead');
    this.number = page.getByRole('textbox', { name: 'Phone number' });
    this.code = page.getByRole('textbox', { name: /code$/i });
    this.note = page.getByRole('alert').filter({ hasText: /./ });
    this.messages = page.locator('#messages article');
    this.resendButton = page.locator('#resend');
  }

  /** Opens the page and waits until it shows a step. */
  static async open(
    browser: Browser,
    url: string,
    { prepare, ...options }: BrowserContextOptions & { prepare?: (page: Page) => unknown } = {},
  ): Promise<DemoPage> {
    const { page, errors } = await openPage(browser, options);
    await prepare?.(page);
    const demo = new DemoPage(page, errors);
    await page.goto(`${url}/demo`);
    await demo.title.waitFor();
    return demo;
  }

  /** Sends a code and returns it as the phone shows it. */
  async send(): Promise<string> {
    await this.press('Send code');
    await this.code.waitFor();
    return this.readCode();
  }

  async verify(code: string): Promise<void> {
    await this.code.fill(code);
    await this.press('Verify');
  }

  async press(button: string): Promise<void> {
    await this.page.getByRole('button', { name: button, exact: true }).click();
  }

  async waitForTitle(text: string): Promise<void> {
    await this.title.and(this.page.getByText(text, { exact: true })).waitFor();
  }

  /** Waits until the only note contains this text, and returns the id of its element. */
  async waitForNote(text: string | RegExp): Promise<string | null> {
    const note = this.note.filter({ hasText: text });
    await note.waitFor();
    expect(await this.note.count()).toBe(1);
    return note.getAttribute('id');
  }

  /** Waits for the `count`-th message and reads its code. */
  async readCode(count = 1): Promise<string> {
    const message = this.messages.nth(count - 1);
    await message.waitFor({ state: 'attached' });
    return (await message.locator('strong').textContent()) ?? '';
  }

  /** The id or the text of the focused element. */
  async getFocused(): Promise<string> {
    return this.page.evaluate('document.activeElement.id || document.activeElement.textContent');
  }

  close(): Promise<void> {
    return this.page.context().close();
  }
}
