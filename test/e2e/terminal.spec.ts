import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { freePort } from '../support/services/ports.js';
import { PRODUCTION_SETTINGS } from '../support/production-settings.js';
import { spawnProgram, type ChildProgram } from '../support/child-program.js';

const SERVICE = `node ${join(resolve('.test-build'), 'main.js')}`;
/**
 * `script` of Debian's bsdutils runs a command at a terminal of its own. Ending `script` takes two
 * seconds, so the service's process id is printed and the test ends the service.
 */
const SERVICE_AT_TERMINAL = `script -qefc 'echo pid $$; exec ${SERVICE}' /dev/null`;

const NUMBER = '14155550142';
/** As long as the sandbox's codes. */
const WRONG_CODE = '918273';

const PRODUCTION = { ...PRODUCTION_SETTINGS, SHUTDOWN_DELAY: '1ms' };

/** Prints at exit whether pino-pretty was loaded. */
const REPORT_PINO_PRETTY = {
  NODE_OPTIONS: `--import "data:text/javascript,${encodeURIComponent(`
    import Module from 'node:module';
    const isLoaded = () => Object.keys(Module._cache).some((f) => f.includes('/pino-pretty/'));
    process.on('exit', () => console.log('pino-pretty loaded: ' + isLoaded()));
  `)}"`,
};

describe('The output of the service', () => {
  let folder: string;
  let settings: { PORT: string; SANDBOX_PORT: string; NODE_ENV: string };
  let service: ChildProgram;
  let isEnded: boolean;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'otp-terminal-'));
    // Not development: there, the sandbox also sends delivery reports, whose log lines come at any time.
    settings = {
      PORT: String(await freePort()),
      SANDBOX_PORT: String(await freePort()),
      NODE_ENV: 'test',
    };
  });

  async function stopService(): Promise<void> {
    if (isEnded) return;
    isEnded = true;
    const [, pid] = /^pid (\d+)/.exec(service.output) ?? [];
    if (pid === undefined) await service.stop();
    else process.kill(Number(pid), 'SIGTERM');
    await service.ended();
  }

  afterEach(async () => {
    await stopService();
    rmSync(folder, { recursive: true });
  });

  function start(command: string, variables: NodeJS.ProcessEnv = {}): void {
    isEnded = false;
    service = spawnProgram(command, folder, { ...settings, TERM: 'xterm-256color', ...variables });
  }

  /** Sends a code and submits a wrong one. @returns the pinId */
  async function submitWrongCode(): Promise<string> {
    const post = async (path: string, body: object): Promise<{ pinId: string }> => {
      const response = await fetch(`http://127.0.0.1:${settings.PORT}/otp/${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      return response.json() as Promise<{ pinId: string }>;
    };
    const { pinId } = await post('send', { phoneNumber: `+${NUMBER}` });
    await post('verify', { pinId, otpCode: WRONG_CODE });
    await service.printed(/wrong_code[^]*\/otp\/verify[^\n]*\n/);
    return pinId;
  }

  it('is readable at a terminal, and contains no number, code or pinId', async () => {
    start(SERVICE_AT_TERMINAL);
    await service.printed(/curl .*\/otp\/verify/);

    const pinId = await submitWrongCode();

    const lines = stripVTControlCharacters(service.output).split('\r\n');
    const log = lines.filter((line) => /^\[\d\d:\d\d:\d\d\.\d{3}\] INFO: /.test(line));
    expect(log.map((line) => line.split(/ +/)[2])).toEqual([
      'Server',
      'send',
      'request',
      'verify',
      'request',
    ]);
    expect(log[3]).toMatch(
      /,"country":"US","channel":"sms","provider":"infobip","outcome":"wrong_code",/,
    );
    expect(lines.filter((line) => line.startsWith('{'))).toEqual([]);
    for (const secret of [NUMBER, WRONG_CODE, pinId]) expect(service.output).not.toContain(secret);
  });

  it('shows the example commands in bold at a terminal, and they run as printed', async () => {
    start(SERVICE_AT_TERMINAL);
    await service.printed(/curl .*\/otp\/verify[^\n]*\n/);
    const bold = '\u001b[1m';
    // The bold message begins with an empty line.
    const banner = service.output.slice(service.output.indexOf(`${bold}\r\n`) + bold.length);
    const lines = banner.split('\r\n').filter((line) => line.includes('curl '));

    const commands = spawnProgram(lines.join('\n'), folder);
    await commands.ended();

    expect(lines).toHaveLength(3);
    expect(commands.output).toBe('{"verified":true}');
  });

  it('has no colours with NO_COLOR', async () => {
    start(SERVICE_AT_TERMINAL, { NO_COLOR: '1' });
    await service.printed(/curl .*\/otp\/verify/);

    expect(service.output).not.toContain('\u001b');
  });

  it('has one JSON object per line without a terminal', async () => {
    start(SERVICE);
    await service.printed(/curl .*\/otp\/verify/);

    const pinId = await submitWrongCode();

    const log = service.output.split('\n').filter((line) => line.startsWith('{'));
    expect(log.map((line) => JSON.parse(line).msg)).toEqual([
      expect.stringContaining('Server listening'),
      'send',
      'request',
      'verify',
      'request',
    ]);
    expect(service.output).not.toContain(pinId);
  });

  it.each([
    ['loads pino-pretty at a terminal', {}, true],
    ['does not load pino-pretty in production', PRODUCTION, false],
  ])('%s', async (_title, variables, isLoaded) => {
    start(SERVICE_AT_TERMINAL, { ...variables, ...REPORT_PINO_PRETTY });
    await service.printed(/Server listening[^\n]*\n/);

    await stopService();

    expect(service.output).toContain(`pino-pretty loaded: ${String(isLoaded)}`);
  });

  it('has the reason of a failed start once at a terminal', async () => {
    start(SERVICE_AT_TERMINAL, { OTP_TTL: '1h' });
    await service.ended();
    isEnded = true;

    expect(service.output.match(/OTP_TTL/g)).toHaveLength(1);
  });

  it('is JSON in production, even at a terminal', async () => {
    start(SERVICE_AT_TERMINAL, PRODUCTION);
    await service.printed(/Server listening[^\n]*\n/);

    const lines = service.output.split('\r\n').filter((line) => line && !line.startsWith('pid '));
    expect(lines.map((line) => JSON.parse(line).level)).toContain('info');
  });
});
