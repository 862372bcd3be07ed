import { SINCH_APPLICATION, startTestSandbox, type TestSandbox } from '../support/sandbox.js';

describe("The sandbox's page", () => {
  let sandbox: TestSandbox;

  beforeEach(async () => {
    sandbox = await startTestSandbox({ apiKey: 'the-key' });
  });

  afterEach(() => sandbox.close());

  it.each([
    ['/', 'text/html; charset=utf-8', '<h1>Sandbox</h1>'],
    ['/?to=41793026727', 'text/html; charset=utf-8', SINCH_APPLICATION.secret],
    ['/sandbox/page/phone.css', 'text/css; charset=utf-8', 'light dark'],
    ['/sandbox/page/phone.js', 'text/javascript; charset=utf-8', 'EventSource'],
  ])('needs no API key and loads nothing from other hosts (%s)', async (path, type, content) => {
    const response = await sandbox.anonymousHttp.get(path).buffer(true).expect(200);

    expect(response.headers['content-type']).toBe(type);
    expect(response.headers['content-security-policy']).toContain("default-src 'none'");
    expect(response.text).toContain(content);
    expect(response.text).not.toMatch(/(src|href)="https?:/);
  });

  it('answers an unknown path in Infobip’s format', async () => {
    await sandbox.anonymousHttp.get('/sandbox/page/other.js').expect(404);
    const { body } = await sandbox.anonymousHttp.get('/index.html').expect(404);

    expect(body).toHaveProperty('requestError.serviceException.messageId', 'NOT_FOUND');
  });
});
