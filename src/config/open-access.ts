import { authConfig, type AuthConfig } from './auth.config.js';
import type { Environment } from './define-config.js';
import { isLoopbackHost } from './env-types.js';
import { httpConfig, type HttpConfig } from './http.config.js';
import { providersConfig } from './providers.config.js';
import { serviceConfig } from './service.config.js';

/**
 * The error if requests without an API key could cost money. Call it only if `PROVIDERS` is valid.
 */
export function findOpenAccessErrors(env: Environment): string[] {
  const reasons = findOpenAccessReasons(env);
  if (reasons.length === 0 || authConfig(env).allowUnauthenticated) return [];
  return [
    `API_KEYS is required, because ${reasons.join(' and ')}: npm run keys:new makes a key; ` +
      'without keys, set HOST=127.0.0.1 and use the sandbox, or set ALLOW_UNAUTHENTICATED=true',
  ];
}

/** Whether requests need no API key, and only this machine can reach the service. */
export const isOpenToThisMachine = ({ host }: HttpConfig, { needsApiKey }: AuthConfig): boolean =>
  !needsApiKey && isLoopbackHost(host);

/** The warning if the service starts without API keys only because of `ALLOW_UNAUTHENTICATED`. */
export function findOpenAccessWarnings(env: Environment): string[] {
  const reasons = findOpenAccessReasons(env);
  if (reasons.length === 0) return [];
  return [
    `ALLOW_UNAUTHENTICATED is true and API_KEYS is not set, but ${reasons.join(' and ')}: ` +
      'every caller can send messages. Set API_KEYS.',
  ];
}

/**
 * Why the service should have API keys, if it has none. In production, `API_KEYS` is required
 * anyway.
 */
function findOpenAccessReasons(env: Environment): string[] {
  if (serviceConfig(env).isProduction || authConfig(env).needsApiKey) return [];
  return [
    ...(isLoopbackHost(httpConfig(env).host) ? [] : ['other machines can reach HOST']),
    ...(providersConfig(env).sandbox ? [] : ['messages go to a real provider']),
  ];
}
