import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { seconds } from '../../src/common/durations.js';
import { PROBLEM_MEDIA_TYPE } from '../../src/http/problem.js';
import { API, API_FILE, type Schema } from '../support/api-document.js';
import { expectProblem } from '../support/problem.js';
import { startSandboxedService, type SandboxedService } from '../support/service.js';

/** The demo page, Swagger UI and the API document itself. */
const UNDOCUMENTED_PATHS = /^\/($|(demo|docs|docs-json)\b)/;

/** The bodies that Swagger UI offers for a POST, the first of them filled in. */
function getOfferedBodies(path: string): object[] {
  const { examples, schema = {} } =
    API.paths[path]?.post?.requestBody?.content['application/json'] ?? {};
  if (examples) return Object.values(examples).map(({ value }) => value);
  const forms = (schema.oneOf ?? [schema]) as Schema[];
  return forms.map(({ $ref = '' }) => {
    const { properties } = API.components.schemas[$ref.split('/').at(-1) ?? ''] ?? {};
    const fields = Object.entries(properties ?? {}) as [string, { examples: unknown[] }][];
    return Object.fromEntries(
      fields.map(
        ([
          name,
          {
            examples: [first],
          },
        ]) => [name, first],
      ),
    );
  });
}

describe('The API document', () => {
  let service: SandboxedService;

  beforeAll(async () => {
    service = await startSandboxedService();
  });

  afterAll(() => service.close());

  it('is equal to the committed openapi.json (npm run openapi)', async () => {
    const { body, headers } = await service.http.get('/docs-json').expect(200);
    if (process.env['UPDATE_OPENAPI'])
      writeFileSync(API_FILE, `${JSON.stringify(body, null, 2)}\n`);
    else expect(body).toEqual(API);

    expect(headers['content-type']).toBe('application/json');
    expect(body.openapi).toMatch(/^3\.1\./);
  });

  it('is shown by Swagger UI, which loads and runs nothing from other hosts', async () => {
    const { headers, text } = await service.http.get('/docs').expect(200);
    const [, script = ''] = /<script>([^]*?)<\/script>/.exec(text) ?? [];
    const hash = createHash('sha256').update(script).digest('base64');

    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-cache',
      'content-security-policy':
        `default-src 'none'; script-src 'self' 'sha256-${hash}'; style-src 'self'; ` +
        `img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; ` +
        `frame-ancestors 'none'`,
    });
    expect(text).not.toMatch(/https?:|\/\/|<style|style=|\son\w+=/);
  });

  it('is shown with a slash behind the path, too', async () => {
    for (const path of ['/docs/', '/docs/?query']) {
      const { headers } = await service.http.get(path).expect(302);
      expect(headers['location']).toBe('../docs');
    }
    await service.http.get('/docs?next=/').expect(200);
  });

  describe('The files of Swagger UI', () => {
    let files: string[];

    beforeAll(async () => {
      const { text } = await service.http.get('/docs');
      files = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, file = '']) => `/${file}`);
    });

    it('are cached for a year, under a path that contains their version', async () => {
      expect(files).toHaveLength(3);
      for (const file of files) {
        const { headers } = await service.http.get(file).expect(200);

        expect(file).toContain('/docs/assets-5.');
        expect(headers['cache-control']).toBe('public, max-age=31536000, immutable');
        await service.http.get(file).set('if-none-match', String(headers['etag'])).expect(304);
      }
    });

    it('are the only files of the package that are served', async () => {
      const [folder = ''] = /^.*\//.exec(files[0] ?? '') ?? [];

      for (const name of [
        'package.json',
        'README.md',
        'swagger-ui-bundle.js.map',
        'index.html',
        '',
      ]) {
        expectProblem(await service.http.get(folder + name), 404, 'not_found');
      }
      expectProblem(await service.http.get('/docs/package.json'), 404, 'not_found');
      expectProblem(await service.http.get(`${folder}..%2fpackage.json`), 404, 'not_found');
    });

    it.each(['post', 'put', 'delete'] as const)('reject %s', async (method) => {
      for (const path of ['/docs', '/docs-json', ...files]) {
        const response = await service.http[method](path);

        expectProblem(response, 405, 'method_not_allowed');
        expect(response.headers['allow']).toBe('GET, HEAD');
      }
    });
  });

  it('offers a body for each POST in which only the pinId and the code have to be replaced', async () => {
    let known = {};
    const statuses: [string, number][] = [];
    for (const path of ['send', 'resend', 'verify', 'numbers/lookup', 'numbers/erase']) {
      for (const offered of getOfferedBodies(`/otp/${path}`)) {
        const filledIn = Object.entries(known).filter(([name]) => name in offered);
        const { status, body } = await service.http
          .post(`/otp/${path}`)
          .send({ ...offered, ...Object.fromEntries(filledIn) });
        statuses.push([path, body.reason ?? status]);
        if (path !== 'send') continue;
        const [otpCode] = await service.getReceivedCodes('+14155552671');
        known = { pinId: body.pinId, otpCode };
        service.clock.advance(seconds(30));
      }
    }

    expect(statuses).toEqual([
      ['send', 200],
      ['resend', 200],
      ['verify', 200],
      ['verify', 'already_verified'],
      ['numbers/lookup', 200],
      ['numbers/erase', 204],
    ]);
  });

  it('has an example of each error of each response', () => {
    const responses = Object.values(API.paths)
      .flatMap((item) => Object.values(item))
      .flatMap((operation) => Object.entries(operation.responses));

    for (const [status, { description, content }] of responses) {
      const { examples = {} } = content?.[PROBLEM_MEDIA_TYPE] ?? {};
      const problems = Object.values(examples).map(
        ({ $ref }) => API.components.examples[$ref?.split('/').at(-1) ?? '']?.value,
      );
      const codes = Number(status) < 400 ? [] : [...description.matchAll(/^- `(\w+)`/gm)];

      expect(problems).toEqual(
        codes.map(([, code]) => expect.objectContaining({ code, status: Number(status) })),
      );
    }
  });

  it('describes every route', () => {
    const described = Object.entries(API.paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const registered = service.routes
      .filter(({ path, method }) => !UNDOCUMENTED_PATHS.test(path) && method !== 'HEAD')
      .map(({ path, method }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`);

    expect(described.sort()).toEqual(registered.sort());
  });

  it('passes the strict rules of Redocly with no warning', () => {
    const report = execFileSync('node_modules/.bin/redocly', ['lint', API_FILE, '--format=json'], {
      encoding: 'utf8',
      env: { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' },
      stdio: ['ignore', 'pipe', 'ignore'],
    });

    expect(JSON.parse(report)).toMatchObject({ totals: { errors: 0, warnings: 0 }, problems: [] });
  });
});
