import { writeFileSync } from 'node:fs';
import axe from 'axe-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { minutes } from '../../src/common/durations.js';
import { openPage, startBrowser } from '../support/browser.js';
import { spawnProgram } from '../support/child-program.js';
import { DEFAULT_IDS, PHONE_NUMBER, SINCH_APPLICATION } from '../support/sandbox.js';
import {
  installSandboxPackage,
  startPackagedSandbox,
  type PackagedSandbox,
  type SandboxPackage,
} from '../support/sandbox-package.js';

const OTHER_NUMBER = '41793026728';
const LOOKS: [name: string, options: BrowserContextOptions][] = [
  ['light-1280', { colorScheme: 'light', viewport: { width: 1280, height: 800 } }],
  ['dark-1280', { colorScheme: 'dark', viewport: { width: 1280, height: 800 } }],
  ['light-360', { colorScheme: 'light', viewport: { width: 360, height: 800 } }],
  ['dark-360', { colorScheme: 'dark', viewport: { width: 360, height: 800 } }],
];

jest.setTimeout(minutes(1));

describe("The sandbox's page", () => {
  let browser: Browser;
  let sandboxPackage: SandboxPackage;
  let sandbox: PackagedSandbox;
  let page: Page;
  let errors: string[];

  beforeAll(async () => {
    // Chromium may have to be installed first.
    [browser, sandboxPackage] = await Promise.all([startBrowser(), installSandboxPackage()]);
  }, minutes(10));

  afterAll(async () => {
    await browser.close();
    sandboxPackage.delete();
  });

  beforeEach(async () => {
    sandbox = await startPackagedSandbox(sandboxPackage);
  });

  afterEach(async () => {
    await page.context().close();
    await sandbox.close();
  });

  async function open(path = '/', options: BrowserContextOptions = {}): Promise<void> {
    ({ page, errors } = await openPage(browser, { reducedMotion: 'reduce', ...options }));
    await page.goto(sandbox.url + path);
    await page.getByText('Connected.').waitFor();
  }

  async function send(to = PHONE_NUMBER): Promise<void> {
    const response = await fetch(`${sandbox.url}/2fa/2/pin`, {
      method: 'POST',
      headers: { authorization: 'App any', 'content-type': 'application/json' },
      body: JSON.stringify({ ...DEFAULT_IDS, to }),
    });
    expect(response.status).toBe(200);
  }

  async function sendBySinch(): Promise<void> {
    const { key, secret } = SINCH_APPLICATION;
    const response = await fetch(`${sandbox.url}/verification/v1/verifications`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(`${key}:${secret}`).toString('base64')}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({
        identity: { type: 'number', endpoint: `+${PHONE_NUMBER}` },
        method: 'callout',
      }),
    });
    expect(response.status).toBe(200);
  }

  const messages = () => page.getByRole('log').getByRole('article');
  const waitForMessages = async (count: number) => {
    await messages()
      .nth(count - 1)
      .waitFor();
    expect(await messages().count()).toBe(count);
  };

  /** Evaluates axe from outside, so that the page keeps its Content-Security-Policy. */
  async function expectAccessible(): Promise<void> {
    await page.evaluate(axe.source);
    const { violations } = await page.evaluate<axe.AxeResults>('axe.run()');
    expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
    expect(
      await page.evaluate('document.documentElement.scrollWidth - innerWidth'),
    ).toBeLessThanOrEqual(0);
  }

  it.each(LOOKS)('shows a sent code and is accessible (%s)', async (name, options) => {
    await open('/', options);
    await expectAccessible();

    await send();
    await sendBySinch();
    await waitForMessages(2);

    const [call, sms] = await sandbox.listMessages();
    expect(await messages().locator('strong').allTextContents()).toEqual([call?.pin, sms?.pin]);
    expect(await messages().nth(1).textContent()).toContain(`To +${PHONE_NUMBER}`);
    expect(await messages().nth(1).textContent()).toContain('SMS · Infobip · from Sandbox');
    expect(await messages().first().textContent()).toContain('Voice call · Sinch');
    await expectAccessible();
    expect(errors).toEqual([]);
    const folder = process.env['SCREENSHOTS'];
    if (folder !== undefined)
      writeFileSync(`${folder}/sandbox-${name}.png`, await page.screenshot({ fullPage: true }));
  });

  it('shows the messages from before it was opened, newest first', async () => {
    await send(OTHER_NUMBER);
    await send();

    await open();
    await waitForMessages(2);

    expect(await messages().locator('.to').allTextContents()).toEqual([
      `To +${PHONE_NUMBER}`,
      `To +${OTHER_NUMBER}`,
    ]);
  });

  it('shows the messages to one number only', async () => {
    await send(OTHER_NUMBER);
    await send();
    await open();
    await waitForMessages(2);

    await page.getByRole('textbox', { name: 'one number' }).fill('+41 79 302 67 27');
    await page.getByRole('button', { name: 'Show' }).click();
    await page.getByText('Connected.').waitFor();
    await send(OTHER_NUMBER);
    await send();
    await waitForMessages(2);

    expect(await messages().locator('.to').allTextContents()).toEqual([
      `To +${PHONE_NUMBER}`,
      `To +${PHONE_NUMBER}`,
    ]);
  });

  it('deletes all messages', async () => {
    await send();
    await open();
    await waitForMessages(1);

    await page.getByRole('button', { name: 'Delete all messages' }).click();
    await messages().first().waitFor({ state: 'detached' });

    expect(await sandbox.listMessages()).toEqual([]);
  });

  it('gives the base URL and credentials that work', async () => {
    await open();

    const text = (await page.getByRole('main').textContent()) ?? '';

    expect(text).not.toContain(':3999');
    for (const value of [sandbox.url, ...Object.values(SINCH_APPLICATION)])
      expect(text).toContain(value);
    const command = await page.locator('pre').textContent();
    const program = spawnProgram(command ?? '', '.');
    await program.ended();
    expect(program.output).toContain('"smsStatus":"MESSAGE_SENT"');
  });

  it('says that the sandbox has stopped, and follows the next one', async () => {
    await send();
    await send();
    await open();
    await waitForMessages(2);
    const { port } = new URL(sandbox.url);

    await sandbox.close();
    await page.getByText('No connection.').waitFor();
    sandbox = await startPackagedSandbox(sandboxPackage, { port });
    await send();

    await page.getByText('Connected.').waitFor();
    // The ids of the messages differ from those before the restart.
    await waitForMessages(3);
  });
});
