import { readFileSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';

/** The folder `page` is next to this file, in the source and in a build. */
const FOLDER = new URL('./page/', import.meta.url);

/** The files by URL path. The page is at `/`, so that a browser needs only the sandbox's address. */
const FILES: Readonly<Record<string, { readonly name: string; readonly type: string }>> = {
  '/': { name: 'index.html', type: 'text/html; charset=utf-8' },
  '/sandbox/page/phone.css': { name: 'phone.css', type: 'text/css; charset=utf-8' },
  '/sandbox/page/phone.js': { name: 'phone.js', type: 'text/javascript; charset=utf-8' },
};

const HEADERS = {
  'cache-control': 'no-cache',
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    'img-src data:',
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; '),
};

/** Serves the page that shows the messages as they arrive. */
export async function registerPageRoutes(fastify: FastifyInstance): Promise<void> {
  for (const [path, { name, type }] of Object.entries(FILES)) {
    const text = readFileSync(new URL(name, FOLDER), 'utf8');
    fastify.get(path, async (_request, reply) => reply.headers(HEADERS).type(type).send(text));
  }
}
