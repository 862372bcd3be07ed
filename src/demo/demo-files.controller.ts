import { readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { Controller, Get, NotFoundException, Param, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { ApiExcludeController } from '../openapi/swagger.js';

/** The page's files, beside this file both in the source and in a build. */
const FOLDER = new URL('./page/', import.meta.url);

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
};

const HEADERS = {
  // Allows the page its own files, a `data:` icon and its back end; nothing from other hosts.
  'content-security-policy': [
    `default-src 'none'`,
    `script-src 'self'`,
    `style-src 'self'`,
    `img-src data:`,
    `connect-src 'self'`,
    `base-uri 'none'`,
    `form-action 'self'`,
    `frame-ancestors 'none'`,
  ].join('; '),
  'cache-control': 'no-cache',
};

/** Serves the files of the demo page. */
@ApiExcludeController()
@Controller('demo')
export class DemoFilesController {
  private readonly files = loadPageFiles();

  /** @throws NotFoundException if the page has no file of this name. */
  @Get(['', ':file'])
  sendPageFile(@Param('file') name = 'index.html', @Res() reply: FastifyReply): void {
    const file = this.files.get(name);
    if (!file) throw new NotFoundException();
    void reply.headers(HEADERS).type(file.type).send(file.text);
  }
}

/** Reads the page's files, once; the keys are their names. */
function loadPageFiles() {
  return new Map(
    readdirSync(FOLDER).map((name) => {
      const type = CONTENT_TYPES[extname(name)];
      if (type === undefined)
        throw new Error(`The demo page cannot have a file of this type: ${name}.`);
      return [name, { type, text: readFileSync(new URL(name, FOLDER), 'utf8') }] as const;
    }),
  );
}
