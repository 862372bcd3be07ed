import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { minutes } from '../../src/common/durations.js';
import { runCommand } from '../support/cli.js';
import { createInfobipAccount } from '../support/infobip-account.js';
import { PHONE_NUMBER, startTestSandbox, type TestSandbox } from '../support/sandbox.js';
import { startService } from '../support/service.js';
import { runAtTerminal } from '../support/terminal.js';
import { wrongCode } from '../support/wrong-code.js';

const SEND = `--send +${PHONE_NUMBER}`;

jest.setTimeout(minutes(1));

describe('npm run doctor -- --send', () => {
  let sandbox: TestSandbox;
  let cwd: string;
  let settings: Record<string, string>;

  beforeEach(async () => {
    cwd = mkdtempSync(join(tmpdir(), 'otp-doctor-send-'));
    sandbox = await startTestSandbox();
    settings = {
      ...(await createInfobipAccount(sandbox.url)),
      DATA_DIR: cwd,
      INFOBIP_API_KEY: 'key',
    };
  });

  afterEach(async () => {
    await sandbox.close();
    rmSync(cwd, { recursive: true });
  });

  const planFault = (fault: object) => sandbox.callControl('put', 'faults', fault).expect(200);

  /** Runs the command without a terminal. */
  const runDetached = (args: string, extraSettings: NodeJS.ProcessEnv = {}) =>
    runCommand('doctor', { args, cwd, settings: { ...settings, ...extraSettings } });

  /**
   * Runs the command at a terminal.
   * @param getAnswer gets the code that was sent, and returns the line that the operator types;
   *   `undefined` ends the input instead
   * @param args of the command
   */
  async function sendAtTerminal(
    getAnswer: (code: string) => string | undefined,
    extraSettings: NodeJS.ProcessEnv = {},
    args = SEND,
  ) {
    const result = await runAtTerminal(`doctor ${args}`, {
      cwd,
      settings: { ...settings, ...extraSettings },
      question: /\(empty if none arrives\)/,
      getAnswer: async () => {
        const [message] = await sandbox.listMessages();
        return getAnswer(message?.pin ?? '');
      },
    });
    expect(result.output).not.toContain(PHONE_NUMBER);
    return result;
  }

  it.each([
    ['infobip', 'Infobip 2FA'],
    ['sinch', 'Sinch Verification'],
  ])('sends a code by %s, asks for it and verifies it', async (provider, name) => {
    const { code, output } = await sendAtTerminal((sent) => sent, {
      PROVIDERS: provider,
      SINCH_BASE_URL: sandbox.url,
    });

    expect(output).toMatch(new RegExp(`^ok +send +${name} accepted the message\\.$`, 'm'));
    expect(output).toMatch(new RegExp(`^ok +verify +${name} verified the code\\.$`, 'm'));
    expect(output).toMatch(/^No problems found\.\nDatabase and Redis were not checked\.$/m);
    expect(code).toBe(0);
    expect(await sandbox.listMessages()).toMatchObject([{ to: PHONE_NUMBER, provider }]);
  });

  it('accepts a code with spaces around and within it', async () => {
    const { code } = await sendAtTerminal((sent) => ` ${sent.slice(0, 3)} ${sent.slice(3)}`);

    expect(code).toBe(0);
  });

  it('sends an SMS to the mobile phone of an Argentine number without the 9', async () => {
    const { code } = await sendAtTerminal((sent) => sent, {}, '--send "+54 11 2345 6789"');

    expect(code).toBe(0);
    expect(await sandbox.listMessages()).toMatchObject([{ to: '5491123456789' }]);
  });

  it('reports a wrong code', async () => {
    const { code, output } = await sendAtTerminal(wrongCode);

    expect(output).toMatch(/^ERROR +verify +Infobip 2FA says that this code is wrong\.$/m);
    expect(code).toBe(1);
  });

  it.each([
    ['an empty line', ''],
    ['the end of the input', undefined],
  ])('explains what to do if no message arrives (%s)', async (_what, answer) => {
    const { code, output } = await sendAtTerminal(() => answer);

    expect(output).toMatch(/^ERROR +message .*no code was entered\.$/m);
    expect(output).toContain('delivery log of the provider');
    expect(code).toBe(1);
  });

  it('reports a provider that rejects the message, and how to fix it', async () => {
    await planFault({ operation: 'send', kind: 'no-credit' });

    const { code, output } = await sendAtTerminal((sent) => sent);

    expect(output).toMatch(/^ERROR +send +Infobip 2FA did not accept the message: not_accepted/m);
    expect(output).toMatch(/→ Check the balance/);
    expect(code).toBe(1);
  });

  it('says that a service with SINCH_REPORTS denies messages of this command', async () => {
    const sinchSettings = {
      PROVIDERS: 'sinch',
      SINCH_BASE_URL: sandbox.url,
      SINCH_REPORTS: 'true',
      PUBLIC_URL: 'https://auth.example.test',
    };
    const service = await startService(sinchSettings);
    sandbox.setReportUrls({ sinchCallbackUrl: `${service.url}/provider-reports/sinch` });

    const { code, output } = await sendAtTerminal((sent) => sent, sinchSettings);
    await service.close();

    expect(output).toMatch(/^ERROR +send +Sinch Verification did not accept the message/m);
    expect(output).toMatch(/→ While SINCH_REPORTS is on, .* Send a code with POST \/otp\/send/);
    expect(code).toBe(1);
    expect(await sandbox.listMessages()).toEqual([]);
  });

  it('says that the message may have been sent if the answer was lost', async () => {
    await planFault({ operation: 'send', kind: 'drop', performed: true });

    const { code, output } = await sendAtTerminal((sent) => sent);

    expect(output).toMatch(/^ERROR +send .*connection_lost.* It may have been sent\.$/m);
    expect(code).toBe(1);
  });

  it('warns about the first provider if the second one accepts the message', async () => {
    await planFault({ operation: 'send', kind: 'unavailable', provider: 'infobip' });

    const { code, output } = await sendAtTerminal((sent) => sent, {
      PROVIDERS: 'infobip,sinch',
      SINCH_BASE_URL: sandbox.url,
    });

    expect(output).toMatch(/^WARNING +send +Infobip 2FA did not accept the message: .*503/m);
    expect(output).toMatch(/^ok +verify +Sinch Verification verified the code\.$/m);
    expect(code).toBe(0);
  });

  it('reports a provider that sent the code but does not check it', async () => {
    await planFault({ operation: 'verify', kind: 'unauthorized' });

    const { code, output } = await sendAtTerminal((sent) => sent);

    expect(output).toMatch(/^ok +send +Infobip 2FA accepted the message\.$/m);
    expect(output).toMatch(/^ERROR +verify +Infobip 2FA did not check the code: unauthorized/m);
    expect(code).toBe(1);
  });

  it.each([
    ['of a country that is not allowed', { ALLOWED_COUNTRIES: 'DE' }, /country are blocked/],
    ['of a blocked type', { BLOCKED_NUMBER_TYPES: 'MOBILE' }, /number type are blocked/],
    ['in TEST_NUMBERS', { TEST_NUMBERS: `+${PHONE_NUMBER}:123456` }, /TEST_NUMBERS/],
  ])('sends nothing to a number %s', async (_what, extraSettings, message) => {
    const { code, output } = await runDetached(SEND, extraSettings);

    expect(output).toMatch(/^ERROR +number/m);
    expect(output).toMatch(message);
    expect(code).toBe(1);
    expect(await sandbox.listMessages()).toEqual([]);
  });

  it('sends nothing without a terminal', async () => {
    const { code, output } = await runDetached(SEND);

    expect(output).toMatch(/^ERROR +send +No message was sent, because stdin is not a terminal/m);
    expect(code).toBe(1);
    expect(await sandbox.listMessages()).toEqual([]);
  });

  it('sends nothing if the checks of the account find an error', async () => {
    const { code, output } = await runDetached(SEND, { INFOBIP_APP_ID: 'none' });

    expect(output).toMatch(/^ERROR +application/m);
    expect(output).toMatch(/^WARNING +send +No message was sent, because of the errors above\.$/m);
    expect(code).toBe(1);
    expect(await sandbox.listMessages()).toEqual([]);
  });

  it('explains what is wrong with a phone number', async () => {
    const { code, output } = await runDetached('--send 0793026727');

    expect(output).toContain('--send: ');
    expect(output).toContain('country code');
    expect(output).not.toContain('0793026727');
    expect(code).toBe(2);
  });
});
