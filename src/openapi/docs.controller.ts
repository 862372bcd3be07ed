import { createHash } from 'node:crypto';
import { Controller, Get, Res, type OnModuleInit, type Type } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import type { FastifyReply } from 'fastify';
import { Public } from '../http/public.decorator.js';
import { apiDocument } from './api-document.js';
import { renderPage, STYLE } from './page.js';

/** The page has no script, and one style, which is named by its hash. */
const POLICY = [
  `default-src 'none'`,
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  `base-uri 'none'`,
  `form-action 'none'`,
  `frame-ancestors 'none'`,
].join('; ');

/** Says what can be called: to programs, and to people. Both are made once, at the start. */
@Public()
@Controller()
export class DocsController implements OnModuleInit {
  private document = Buffer.alloc(0);
  private page = Buffer.alloc(0);

  constructor(private readonly discovery: DiscoveryService) {}

  onModuleInit(): void {
    const document = apiDocument(
      this.discovery.getControllers().map(({ metatype }) => metatype as Type),
    );
    this.document = Buffer.from(JSON.stringify(document));
    this.page = Buffer.from(renderPage(document));
  }

  @Get('docs-json')
  json(@Res() reply: FastifyReply): void {
    // As bytes: Nest leaves their type as it is.
    void reply.header('cache-control', 'no-cache').type('application/json').send(this.document);
  }

  @Get('docs')
  html(@Res() reply: FastifyReply): void {
    void reply
      .headers({ 'content-security-policy': POLICY, 'cache-control': 'no-cache' })
      .type('text/html; charset=utf-8')
      .send(this.page);
  }
}
