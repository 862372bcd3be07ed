import { readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { Controller, Get, Inject, NotFoundException, Param, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { providersConfig, type ProvidersConfig } from '../config/providers.config.js';
import { ApiExcludeController } from '../openapi/swagger.js';

/** Beside this file, in the source and in a build. */
const FOLDER = new URL('./page/', import.meta.url);

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
};

/** Serves the demo page and its files. */
@ApiExcludeController()
@Controller('demo')
export class DemoController {
  private readonly files: ReturnType<typeof loadPageFiles>;
  private readonly headers: Readonly<Record<string, string>>;

  constructor(@Inject(providersConfig.KEY) { sandbox }: ProvidersConfig) {
    if (!sandbox) throw new Error('The demo page needs a sandbox.');
    this.files = loadPageFiles(sandbox.url);
    this.headers = {
      'content-security-policy': buildPolicy(new URL(sandbox.url).origin),
      'cache-control': 'no-cache',
    };
  }

  /** @throws NotFoundException if the page has no file of this name. */
  @Get(['', ':file'])
  sendPageFile(@Param('file') name = 'index.html', @Res() reply: FastifyReply): void {
    const file = this.files.get(name);
    if (!file) throw new NotFoundException();
    void reply.headers(this.headers).type(file.type).send(file.text);
  }
}

/** The Content-Security-Policy: the page's files and icon, the API, and the sandbox's message stream. */
function buildPolicy(sandboxOrigin: string): string {
  return [
    `default-src 'none'`,
    `script-src 'self'`,
    `style-src 'self'`,
    `img-src data:`,
    `connect-src 'self' ${sandboxOrigin}`,
    `base-uri 'none'`,
    `form-action 'self'`,
    `frame-ancestors 'none'`,
  ].join('; ');
}

/** Reads the page's files once, by name, and fills in the sandbox's URL. */
function loadPageFiles(sandboxUrl: string) {
  return new Map(
    readdirSync(FOLDER).map((name) => {
      const type = CONTENT_TYPES[extname(name)];
      if (type === undefined)
        throw new Error(`The demo page cannot have a file of this type: ${name}.`);
      const source = readFileSync(new URL(name, FOLDER), 'utf8');
      const text = source.replace('{{sandboxUrl}}', () => escapeAttribute(sandboxUrl));
      return [name, { type, text }] as const;
    }),
  );
}

const escapeAttribute = (text: string): string =>
  text.replace(/[&"<>]/g, (character) => `&#${String(character.charCodeAt(0))};`);
