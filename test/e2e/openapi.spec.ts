import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { API, API_FILE } from '../support/api-document.js';
import { startSandboxedService, type SandboxedService } from '../support/service.js';

/** What is there for browsers, and what describes the API itself. */
const NO_PART_OF_IT = /^\/(demo|docs|docs-json)\b/;

describe('The API document', () => {
  let service: SandboxedService;

  beforeAll(async () => {
    service = await startSandboxedService();
  });

  afterAll(() => service.close());

  it('is the one that is committed (npm run openapi)', async () => {
    const { body, headers } = await service.http.get('/docs-json').expect(200);
    if (process.env['UPDATE_OPENAPI'])
      writeFileSync(API_FILE, `${JSON.stringify(body, null, 2)}\n`);
    else expect(body).toEqual(API);

    expect(headers['content-type']).toBe('application/json');
    expect(body.openapi).toMatch(/^3\.1\./);
  });

  it('is shown on a page that runs no script and loads nothing', async () => {
    const { headers, text } = await service.http.get('/docs').expect(200);
    const style = createHash('sha256').update(/<style>([^]*)<\/style>/.exec(text)?.[1] ?? '');

    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy':
        `default-src 'none'; style-src 'sha256-${style.digest('base64')}'; ` +
        `base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    });
    expect(text).not.toMatch(/<script|<link|<img|https?:\/\/(?!127)|url\(/);
  });

  it('names every route', () => {
    const described = Object.entries(API.paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const made = service.routes
      .filter(({ path, method }) => !NO_PART_OF_IT.test(path) && method !== 'HEAD')
      .map(({ path, method }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`);

    expect(described.sort()).toEqual(made.sort());
  });

  it('passes the linter’s strict rules with no warning', () => {
    const report = execFileSync('node_modules/.bin/redocly', ['lint', API_FILE, '--format=json'], {
      encoding: 'utf8',
      env: { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' },
      stdio: ['ignore', 'pipe', 'ignore'],
    });

    expect(JSON.parse(report)).toMatchObject({ totals: { errors: 0, warnings: 0 }, problems: [] });
  });
});
