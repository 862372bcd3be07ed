import type { ConfigType } from '@nestjs/config';
import Joi from 'joi';
import { defineConfig, optional } from './define-config.js';
import { proxyUrl } from './env-types.js';

/** The usual variables of a forward proxy; lower-case names count too (see `parseEnvironment`). */
export const outboundConfig = defineConfig('outbound', 'Providers', {
  httpsProxy: optional('HTTPS_PROXY', proxyUrl(), {
    description: 'proxy for calls to the providers and to `EVENTS_URL`',
    values: 'http or https URL',
    defaultInWords: '`HTTP_PROXY`',
    example: 'http://user:password@proxy.example.com:3128',
    isSecret: true,
  }),
  httpProxy: optional('HTTP_PROXY', proxyUrl(), {
    description: 'proxy for these calls if `HTTPS_PROXY` is absent',
    values: 'http or https URL',
    defaultInWords: 'no proxy',
    isSecret: true,
  }),
  noProxy: optional('NO_PROXY', Joi.string(), {
    description:
      'hosts that are called without a proxy, with their subdomains; calls to this machine never use one',
    values: '`host`, `host:port`, …, or `*`',
    defaultInWords: 'no hosts',
    example: 'api.infobip.com',
  }),
});
export type OutboundConfig = ConfigType<typeof outboundConfig>;

/** The variables that are also read in lower case, as other programs do. */
export const PROXY_VARIABLES = outboundConfig.settings.map(({ name }) => name);
