import { Controller, Get, Inject, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { authConfig, type AuthConfig } from '../config/auth.config.js';
import { providersConfig, type ProvidersConfig } from '../config/providers.config.js';
import { Public } from '../http/public.decorator.js';
import { ApiExcludeController } from '../openapi/swagger.js';
import { hasDemo } from './has-demo.js';

const DEMO_LINK = '<li><a href="/demo">/demo</a>: send and verify a code</li>';
const DOCS_LINK = '<li><a href="/docs">/docs</a>: the API</li>';

/** Points a developer who opens the service in a browser to its pages. */
@Public()
@ApiExcludeController()
@Controller()
export class StartPageController {
  private readonly page: string;

  constructor(
    @Inject(providersConfig.KEY) providers: ProvidersConfig,
    @Inject(authConfig.KEY) auth: AuthConfig,
  ) {
    const links = hasDemo(providers, auth) ? [DEMO_LINK, DOCS_LINK] : [DOCS_LINK];
    this.page = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>OTP service</title>
  </head>
  <body>
    <h1>OTP service</h1>
    <ul>
      ${links.join('\n      ')}
    </ul>
  </body>
</html>
`;
  }

  @Get()
  sendStartPage(@Res() reply: FastifyReply): void {
    void reply.type('text/html; charset=utf-8').send(this.page);
  }
}
