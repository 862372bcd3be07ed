import { minutes } from '../../src/common/durations.js';
import type { OtpAnswer } from '../../examples/react-vite/server/otp-state.js';
import { startBrowser } from '../support/browser.js';
import { NumberPage } from './support/number-page.js';
import { addNumberVerificationTests } from './support/number-verification.js';
import { startExample } from './support/running-example.js';

jest.setTimeout(minutes(1));

describe('The example react-vite', () => {
  const isAction = (path: string) => /^\/api\/otp\/(?!session$)/.test(path);
  const getExample = addNumberVerificationTests('react-vite', isAction, {
    settings: { REQUESTS_PER_HOUR: '1000' },
  });

  /** Sends a request without a browser. `headers` may have the cookie of a session. */
  const call = (path: string, body?: object, headers: Record<string, string> = {}) => {
    const { url } = getExample();
    return fetch(url + path, {
      ...(body && { method: 'POST', body: JSON.stringify(body) }),
      headers: { 'content-type': 'application/json', origin: url, ...headers },
    });
  };
  const read = async (response: Response) => (await response.json()) as OtpAnswer;
  const openSession = async () =>
    (await call('/api/otp/session', {})).headers.get('set-cookie') ?? '';

  it('keeps the session in a cookie that neither scripts nor other sites can use', async () => {
    expect(await openSession()).toMatch(
      /^session=\S+; Path=\/; Expires=[^;]+; HttpOnly; SameSite=Strict$/,
    );
  });

  it('stores no session for a browser that only reads its state, or starts over', async () => {
    for (const response of [await call('/api/otp'), await call('/api/otp/restart', {})]) {
      expect(response.headers.get('set-cookie')).toBeNull();
      expect(await read(response)).toEqual({ state: { step: 'number' } });
    }
  });

  it.each([
    ['a page of another site', { 'sec-fetch-site': 'cross-site' }],
    ['a page of another subdomain', { 'sec-fetch-site': 'same-site' }],
    [
      'another origin, if the browser does not send Sec-Fetch-Site',
      { origin: 'http://127.0.0.1:1' },
    ],
    ['no origin', { origin: '' }],
  ])('rejects requests from %s', async (_, headers) => {
    const cookie = await openSession();
    for (const action of ['session', 'request', 'resend', 'verify', 'restart']) {
      const response = await call(`/api/otp/${action}`, {}, { cookie, ...headers });
      expect(response.status).toBe(403);
    }
  });

  it('sends one message for two requests at the same time', async () => {
    const cookie = await openSession();
    const phoneNumber = '+14155550190';

    const send = async () => read(await call('/api/otp/request', { phoneNumber }, { cookie }));
    const answers = await Promise.all([send(), send()]);

    for (const { state, problem } of answers) {
      expect(state.step).toBe('code');
      expect(problem).toBeUndefined();
    }
    expect(await getExample().service.getReceivedCodes(phoneNumber)).toHaveLength(1);
  });

  it('keeps a number without the invisible characters that were typed', async () => {
    const cookie = await openSession();
    const send = async (phoneNumber: string) =>
      read(await call('/api/otp/request', { phoneNumber }, { cookie }));
    await send('\u202a+14155550193\u202c');

    // During the cooldown, the same number again is no problem; another text would be.
    const { state, problem } = await send('+14155550193');

    expect(state.step).toBe('code');
    expect(problem).toBeUndefined();
  });

  it('rejects a number with a digit of another script', async () => {
    const cookie = await openSession();
    const body = { phoneNumber: '+1\u0664155550194' };

    expect(await read(await call('/api/otp/request', body, { cookie }))).toEqual({
      state: { step: 'number' },
      problem: { action: 'request', code: 'invalid_number' },
    });
  });

  it('says why it asks for the number again if the session has ended', async () => {
    const { url, service } = getExample();
    const browser = await startBrowser();
    try {
      const page = await NumberPage.open(browser, url);
      const number = '+14155550192';
      await page.send(number);
      await page.waitForTitle('Enter the code');
      const [code = ''] = await service.getReceivedCodes(number);
      await page.page.context().clearCookies();

      await page.verify(code);

      await page.waitForTitle('Verify your number');
      await page.waitForNote('This took too long. Ask for a new code.');
      expect(await page.getFocused()).toBe('number');
    } finally {
      await browser.close();
    }
  });

  it('gives a verified browser a new session', async () => {
    const cookie = await openSession();
    const phoneNumber = '+14155550191';
    await call('/api/otp/request', { phoneNumber }, { cookie });
    const [code] = await getExample().service.getReceivedCodes(phoneNumber);

    const response = await call('/api/otp/verify', { code }, { cookie });
    expect((await read(response)).state).toEqual({ step: 'verified', to: '+1415•••0191' });
    const newCookie = response.headers.get('set-cookie') ?? '';

    const readStep = async (session: string) =>
      (await read(await call('/api/otp', undefined, { cookie: session }))).state.step;
    expect(await readStep(newCookie)).toBe('verified');
    expect(await readStep(cookie)).toBe('number');
  });

  it('answers a malformed body without quoting it', async () => {
    const { url } = getExample();
    const headers = { 'content-type': 'application/json', origin: url };

    const response = await fetch(`${url}/api/otp/verify`, {
      method: 'POST',
      headers,
      body: '{123456',
    });

    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({ error: 'The request failed.' });
    expect(getExample().output).not.toContain('123456');
  });
});

describe('The limit of the example react-vite', () => {
  it('stops further requests of an address, with the time to wait', async () => {
    const limited = await startExample('react-vite', { settings: { REQUESTS_PER_HOUR: '2' } });
    const { url } = limited;
    const call = async (action: string, body: object) => {
      const headers = { 'content-type': 'application/json', origin: url };
      const request = { method: 'POST', body: JSON.stringify(body), headers };
      return (await (await fetch(`${url}/api/otp/${action}`, request)).json()) as OtpAnswer;
    };
    try {
      await call('request', { phoneNumber: '+14155550195' });
      const second = await call('verify', { code: '123456' });
      const third = await call('request', { phoneNumber: '+14155550196' });

      expect(second.problem).toEqual({ action: 'verify', code: 'no_session' });
      expect(third).toEqual({
        state: { step: 'number' },
        problem: { action: 'request', code: 'too_soon', retryAfterSeconds: expect.any(Number) },
      });
      expect(await limited.service.getReceivedCodes('+14155550196')).toEqual([]);
      expect((await call('session', {})).problem?.code).toBe('too_soon');
      expect((await call('restart', {})).problem).toBeUndefined();
    } finally {
      await limited.close();
    }
  });
});
