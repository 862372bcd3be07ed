import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { INestApplication } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import { hours } from '../common/durations.js';
import { buildApiDocument } from './api-document.js';

/** Resolves from @nestjs/swagger, because swagger-ui-dist is a dependency of that package. */
const require = createRequire(createRequire(import.meta.url).resolve('@nestjs/swagger'));
const MANIFEST = require.resolve('swagger-ui-dist/package.json');
const { version } = require(MANIFEST) as { version: string };

/** The files that the page loads; the rest of swagger-ui-dist is not served. */
const ASSETS = ['swagger-ui.css', 'swagger-ui-bundle.js', 'favicon-32x32.png'];
/** Contains the version, so that browsers may cache the files for ever. */
const ASSETS_PATH = `docs/assets-${version}`;

const SCRIPT = `SwaggerUIBundle({ url: 'docs-json', dom_id: '#swagger-ui', deepLinking: true });`;
const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>OTP service: API</title>
    <link rel="icon" type="image/png" href="${ASSETS_PATH}/favicon-32x32.png" />
    <link rel="stylesheet" href="${ASSETS_PATH}/swagger-ui.css" />
  </head>
  <body>
    <div id="swagger-ui"></div>
    <script src="${ASSETS_PATH}/swagger-ui-bundle.js"></script>
    <script>${SCRIPT}</script>
  </body>
</html>
`;

const scriptHash = createHash('sha256').update(SCRIPT).digest('base64');
const POLICY = [
  `default-src 'none'`,
  `script-src 'self' 'sha256-${scriptHash}'`,
  `style-src 'self'`,
  `img-src 'self' data:`,
  `connect-src 'self'`,
  `base-uri 'none'`,
  `form-action 'none'`,
  `frame-ancestors 'none'`,
].join('; ');

/**
 * Serves the API document at `/docs-json` and Swagger UI at `/docs`. The document is built when it
 * is first requested. `SwaggerModule.setup` is not used: it loads @nestjs/swagger at start (see
 * swagger.ts), serves all of swagger-ui-dist, and needs inline styles.
 */
export async function setupDocs(app: INestApplication, fastify: FastifyInstance): Promise<void> {
  let document: Promise<Buffer> | undefined;
  const buildDocument = async () => Buffer.from(JSON.stringify(await buildApiDocument(app)));
  fastify.get('/docs-json', async (_request, reply) => {
    // Bytes, because Fastify would add a charset to the content type of a string.
    const body = await (document ??= buildDocument());
    return reply.header('cache-control', 'no-cache').type('application/json').send(body);
  });
  fastify.get('/docs', ({ url }, reply) => {
    // The links of the page are relative, so that it works behind a path prefix.
    if (url.split('?', 1)[0]?.endsWith('/')) return reply.redirect('../docs');
    return reply
      .headers({ 'content-security-policy': POLICY, 'cache-control': 'no-cache' })
      .type('text/html; charset=utf-8')
      .send(PAGE);
  });
  await fastify.register(fastifyStatic, {
    root: dirname(MANIFEST),
    // No route for the whole folder, only `reply.sendFile`.
    serve: false,
    maxAge: hours(365 * 24),
    immutable: true,
  });
  for (const file of ASSETS) {
    fastify.get(`/${ASSETS_PATH}/${file}`, (_request, reply) => reply.sendFile(file));
  }
}
