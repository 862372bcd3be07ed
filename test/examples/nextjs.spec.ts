import type { OtpAnswer } from '../../examples/nextjs/lib/otp-state.js';
import { minutes } from '../../src/common/durations.js';
import { openPage, startBrowser } from '../support/browser.js';
import { connectTo } from '../support/raw-connection.js';
import { addNumberVerificationTests } from './support/number-verification.js';

jest.setTimeout(minutes(1));

describe('The example nextjs', () => {
  // A server action is a POST to the path of the page: `/` or `/code`.
  const isAction = (path: string) => /^\/(code)?$/.test(path);
  const getExample = addNumberVerificationTests('nextjs', isAction, { ready: /Ready in/ });

  const cookieOf = ({ headers }: Response) => headers.get('set-cookie') ?? '';

  it('works without JavaScript', async () => {
    const { url, service } = getExample();
    const browser = await startBrowser();
    const { page } = await openPage(browser, { javaScriptEnabled: false });
    const field = (name: string) => page.getByRole('textbox', { name });
    const number = '+14155550180';
    await page.goto(url);

    await field('Phone number').fill('415 555 0180');
    await field('Phone number').press('Enter');
    await page.getByText('Begin with + and the country code').waitFor();
    await field('Phone number').fill(number);
    await field('Phone number').press('Enter');
    await page.getByRole('heading', { name: 'Enter the code' }).waitFor();
    const [code = ''] = await service.getReceivedCodes(number);
    await field('Code').fill(code);
    await field('Code').press('Enter');

    await page.getByRole('heading', { name: 'Verified' }).waitFor();
    await browser.close();
  });

  /** The page for the number as a new visitor without JavaScript gets it. */
  async function loadNumberPage(phoneNumber: string) {
    const { url } = getExample();
    const response = await fetch(url);
    const form = new FormData();
    for (const [, name = '', , value = ''] of (await response.text()).matchAll(
      /<input type="hidden" name="([^"]+)"( value="([^"]*)")?/g,
    ))
      form.set(name, value.replaceAll('&quot;', '"'));
    form.set('tel', phoneNumber);
    const cookie = cookieOf(response);
    const send = (origin = url) =>
      fetch(url, { method: 'POST', body: form, headers: { origin, cookie }, redirect: 'manual' });
    return { cookie, send };
  }

  it('sends one message when a new visitor sends the form twice', async () => {
    const { url, service } = getExample();
    const phoneNumber = '+14155550183';
    const { cookie, send } = await loadNumberPage(phoneNumber);
    const answers = await Promise.all([send(), send()]);

    const codes = await service.getReceivedCodes(phoneNumber);
    expect(codes).toHaveLength(1);
    for (const answer of answers) {
      expect(answer.status).toBe(303);
      expect(answer.headers.get('location')).toBe('/code');
      const headers = { cookie: cookieOf(answer) };
      expect(await (await fetch(`${url}/code`, { headers })).text()).toContain('Enter the code');
    }
    expect(cookieOf(await fetch(url, { headers: { cookie } }))).toBe('');
  });

  it('ignores a session cookie that it did not encrypt', async () => {
    const cookie = 'session=eyJhbGciOiJub25lIn0.eyJvdHAiOnsidmVyaWZpZWROdW1iZXIiOiIrMSJ9fQ.';

    const response = await fetch(`${getExample().url}/api/otp`, { headers: { cookie } });

    expect(await response.json()).toEqual({ state: { step: 'number' } });
    expect(cookieOf(response)).toMatch(/^session=/);
  });

  it('rejects a server action from a page of another site', async () => {
    const { service } = getExample();
    const phoneNumber = '+14155550182';
    const { send } = await loadNumberPage(phoneNumber);

    expect((await send('https://other.example')).status).toBeGreaterThanOrEqual(400);
    expect(await service.getReceivedCodes(phoneNumber)).toEqual([]);
    expect((await send()).status).toBe(303);
    expect(await service.getReceivedCodes(phoneNumber)).toHaveLength(1);
  });

  describe.each([
    ['App Router', '/api/otp', '+1415555018'],
    ['Pages Router', '/api/pages-router/otp', '+1415555019'],
  ])('in its handlers for the %s', (_, path, numberPrefix) => {
    /** Sends a request without a browser. `headers` may have the cookie of a session. */
    const call = (action: string, body: object, headers: Record<string, string> = {}) => {
      const { url } = getExample();
      return fetch(`${url}${path}/${action}`, {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json', origin: url, ...headers },
      });
    };
    const read = async (response: Response) => (await response.json()) as OtpAnswer;

    it('verifies a number, with the session in an encrypted cookie', async () => {
      const phoneNumber = `${numberPrefix}5`;
      const sent = await call('request', { phoneNumber });
      const cookie = cookieOf(sent);
      const { service } = getExample();
      const [code = ''] = await service.getReceivedCodes(phoneNumber);
      const resent = await call('resend', {}, { cookie });
      const verified = await call('verify', { code }, { cookie });

      expect(cookie).toMatch(/^session=[\w.-]+; Path=\/; .*HttpOnly; SameSite=lax$/i);
      expect((await read(sent)).state).toMatchObject({
        step: 'code',
        to: `+1415•••${phoneNumber.slice(-4)}`,
      });
      expect((await read(resent)).problem).toMatchObject({ action: 'resend', code: 'too_soon' });
      expect((await read(verified)).state.step).toBe('verified');
    });

    it('verifies again with a copy of an old cookie and the same code', async () => {
      const phoneNumber = `${numberPrefix}4`;
      const cookie = cookieOf(await call('request', { phoneNumber }));
      const [code = ''] = await getExample().service.getReceivedCodes(phoneNumber);
      await call('verify', { code }, { cookie });

      const again = await call('verify', { code }, { cookie });

      expect((await read(again)).state.step).toBe('verified');
    });

    it('sends one message for two requests at the same time', async () => {
      const phoneNumber = `${numberPrefix}6`;
      const cookie = cookieOf(await fetch(getExample().url));

      const send = async () => read(await call('request', { phoneNumber }, { cookie }));
      const answers = await Promise.all([send(), send()]);

      for (const { state, problem } of answers) {
        expect(state.step).toBe('code');
        expect(problem).toBeUndefined();
      }
      expect(await getExample().service.getReceivedCodes(phoneNumber)).toHaveLength(1);
    });

    it('keeps a number without the invisible characters that were typed', async () => {
      const phoneNumber = `${numberPrefix}7`;
      const first = await call('request', { phoneNumber: `\u202a${phoneNumber}\u202c` });

      // During the cooldown, the same number again is no problem; another text would be.
      const second = await call('request', { phoneNumber }, { cookie: cookieOf(first) });

      const { state, problem } = await read(second);
      expect(state.step).toBe('code');
      expect(problem).toBeUndefined();
    });

    it('rejects a number with a digit of another script', async () => {
      const phoneNumber = `${numberPrefix}8`.replace('4', '\u0664');

      expect(await read(await call('request', { phoneNumber }))).toEqual({
        state: { step: 'number' },
        problem: { action: 'request', code: 'invalid_number' },
      });
    });

    it.each([
      ['a page of another site', { 'sec-fetch-site': 'cross-site' }],
      ['a page of another subdomain', { 'sec-fetch-site': 'same-site' }],
      ['another origin', { origin: 'http://127.0.0.1:1' }],
      ['no origin', { origin: '' }],
    ])('rejects requests from %s', async (__, headers) => {
      for (const action of ['request', 'resend', 'verify', 'restart'])
        expect((await call(action, {}, headers)).status).toBe(403);
    });

    // None of these bodies is sent: the answer must not wait for them.
    it.each([
      ['a page of another site', 403, 'https://other.example', 'Content-Length: 300000000'],
      ['the page, with a long body', 413, undefined, 'Content-Length: 1001'],
      ['the page, with a body of unknown length', 413, undefined, 'Transfer-Encoding: chunked'],
    ])(
      'answers a request from %s with %i before it reads the body',
      async (__, status, origin, length) => {
        const { url } = getExample();
        const connection = await connectTo(url);
        connection.write(
          `POST ${path}/verify HTTP/1.1\r\nHost: ${new URL(url).host}\r\nOrigin: ${origin ?? url}\r\n` +
            `Content-Type: application/json\r\nConnection: close\r\n${length}\r\n\r\n`,
        );

        expect(await connection.answer).toMatch(`HTTP/1.1 ${status} `);
      },
    );

    it('rejects unknown actions, and neither returns nor logs a malformed body', async () => {
      expect((await call('other', {})).status).toBe(404);
      const { url } = getExample();
      const headers = { 'content-type': 'application/json', origin: url };
      const response = await fetch(`${url}${path}/verify`, {
        method: 'POST',
        headers,
        body: '{123456',
      });

      expect(await response.text()).not.toContain('123456');
      expect(getExample().output).not.toContain('123456');
    });
  });
});
