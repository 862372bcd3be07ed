import { writeFileSync } from 'node:fs';
import axe from 'axe-core';
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { minutes, seconds } from '../../src/common/durations.js';
import { newApiKey } from '../support/api-key.js';
import { API } from '../support/api-document.js';
import { openPage, startBrowser } from '../support/browser.js';
import { startSandboxedService, type SandboxedService } from '../support/service.js';

/** Chromium may have to be installed first. */
const START_TIMEOUT_MS = minutes(10);

jest.setTimeout(seconds(60));

const LOOKS: [name: string, options: BrowserContextOptions][] = [
  ['light', { colorScheme: 'light', viewport: { width: 1280, height: 900 } }],
  ['dark', { colorScheme: 'dark', viewport: { width: 1280, height: 900 } }],
  ['phone', { colorScheme: 'light', viewport: { width: 360, height: 800 } }],
];

const NUMBER = '+14155552671';

/** The axe rules that Swagger UI itself violates, with every document. */
const KNOWN_VIOLATIONS = [
  'color-contrast',
  'heading-order',
  'label',
  'landmark-unique',
  'nested-interactive',
  'region',
  'select-name',
];

const SEND_RESPONSES = API.paths['/otp/send']?.post?.responses ?? {};

const shop = newApiKey('shop');

describe('Swagger UI at /docs', () => {
  let browser: Browser;
  let service: SandboxedService;

  beforeAll(async () => {
    [browser, service] = await Promise.all([
      startBrowser(),
      startSandboxedService({ API_KEYS: shop.entry }),
    ]);
  }, START_TIMEOUT_MS);

  afterAll(() => Promise.all([browser.close(), service.close()]));

  /** Opens the page and waits for its operations. */
  async function openDocs(options: BrowserContextOptions = {}) {
    const { page, errors } = await openPage(browser, options);
    page.setDefaultTimeout(seconds(20));
    await page.goto(`${service.url}/docs`);
    await page.locator('.opblock').first().waitFor();
    return { page, errors };
  }

  const operation = (page: Page, id: string): Locator => page.locator(`[id$="-${id}"].opblock`);

  async function open(page: Page, id: string): Promise<Locator> {
    const block = operation(page, id);
    await block.locator('.opblock-summary-control').click();
    return block;
  }

  async function execute(block: Locator, body: object): Promise<{ status: string; body: unknown }> {
    await block.getByRole('button', { name: 'Try it out' }).click();
    await block.locator('textarea').fill(JSON.stringify(body));
    await block.getByRole('button', { name: 'Execute' }).click();
    const response = block.locator('.live-responses-table .response');
    await response.waitFor();
    return {
      status: (await response.locator('.response-col_status').innerText()).trim(),
      body: JSON.parse(
        await response.locator('.response-col_description code').first().innerText(),
      ),
    };
  }

  it('sends and verifies a code with an API key', async () => {
    const { page, errors } = await openDocs();
    const rejected = await execute(await open(page, 'sendCode'), { phoneNumber: NUMBER });
    expect(rejected).toMatchObject({ status: '401', body: { code: 'unauthenticated' } });

    await page.getByRole('button', { name: 'Authorize' }).click();
    await page.getByRole('dialog').or(page.locator('.modal-ux')).locator('input').fill(shop.key);
    await page.locator('.modal-ux').getByRole('button', { name: 'Apply credentials' }).click();
    await page.locator('.modal-ux').getByRole('button', { name: 'Close' }).last().click();
    await operation(page, 'sendCode').getByRole('button', { name: 'Execute' }).click();
    await operation(page, 'sendCode')
      .locator('.live-responses-table', { hasText: 'pinId' })
      .waitFor();
    const [otpCode] = await service.getReceivedCodes(NUMBER);
    const verified = await execute(await open(page, 'verifyCode'), {
      phoneNumber: NUMBER,
      otpCode,
    });

    expect(verified).toEqual({ status: '200', body: { verified: true } });
    expect(errors).toEqual([]);
    await page.context().close();
  });

  it('loads nothing from other hosts, and complies with its Content-Security-Policy', async () => {
    const { page, errors } = await openDocs({ viewport: { width: 360, height: 800 } });
    const hosts = await page.evaluate(
      `[...new Set(performance.getEntriesByType('resource').map(({ name }) => new URL(name).origin))]`,
    );

    expect(hosts).toEqual([service.url]);
    expect(errors).toEqual([]);
    await page.context().close();
  });

  it('shows every operation with its responses', async () => {
    const { page } = await openDocs();

    for (const item of Object.values(API.paths)) {
      for (const { operationId, summary, responses } of Object.values(item)) {
        const block = await open(page, operationId);
        expect(await block.locator('.opblock-summary-description').innerText()).toBe(summary);
        const statuses = block.locator('.responses-table:not(.live-responses-table) .response');
        await statuses.first().waitFor();
        expect(
          await statuses.evaluateAll((rows) => rows.map((row) => row.getAttribute('data-code'))),
        ).toEqual(Object.keys(responses));
        await block.locator('.opblock-summary-control').click();
      }
    }
    await page.context().close();
  });

  it('shows an example of the error beside each status', async () => {
    const { page } = await openDocs();
    const block = await open(page, 'sendCode');
    const rows = block.locator('.responses-table .response').filter({ hasText: '"status"' });
    await rows.first().waitFor();
    const examples = await rows.evaluateAll((all) =>
      all.map((row) => [
        row.getAttribute('data-code'),
        row.querySelector('.highlight-code code')?.textContent,
      ]),
    );

    expect(examples).toHaveLength(Object.keys(SEND_RESPONSES).length - 1);
    for (const [status, text] of examples) {
      const { content } = SEND_RESPONSES[String(status)] ?? {};
      const [code] = Object.keys(content?.['application/problem+json']?.examples ?? {});
      expect(JSON.parse(String(text))).toMatchObject({ status: Number(status), code });
    }
    await page.context().close();
  });

  it.each(LOOKS)('is as accessible as Swagger UI can be (%s)', async (name, options) => {
    const { page, errors } = await openDocs(options);
    if (process.env['SCREENSHOTS']) {
      writeFileSync(`${process.env['SCREENSHOTS']}/docs-${name}.png`, await page.screenshot());
    }
    // Checked before an operation is open: its table of responses is wider than a phone.
    expect(
      await page.evaluate('document.documentElement.scrollWidth - innerWidth'),
    ).toBeLessThanOrEqual(0);
    await open(page, 'verifyCode');
    await page.evaluate(axe.source);
    const { violations } = await page.evaluate<axe.AxeResults>('axe.run()');

    expect(KNOWN_VIOLATIONS).toEqual(expect.arrayContaining(violations.map(({ id }) => id)));
    expect(errors).toEqual([]);
    await page.context().close();
  });
});
