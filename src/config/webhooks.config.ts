import type { ConfigType } from '@nestjs/config';
import { hours } from '../common/durations.js';
import { defineConfig, optional, type Environment } from './define-config.js';
import { parsedBy, webhookUrl } from './env-types.js';
import { serviceConfig } from './service.config.js';
import { storageConfig } from './storage.config.js';

/**
 * The service tries to send an event for a day. Until then it needs the verification, from which it reads
 * the content of the event. The sender logs an event that was written too late for that.
 */
const MIN_RETENTION_MS = hours(48);

/** A secret of Standard Webhooks: this prefix, then base64 of 24 to 64 bytes. */
const SECRET = /^whsec_([A-Za-z0-9+/]+={0,2})$/;
const SECRET_FORM = 'whsec_ and 24 to 64 bytes in base64';

export const webhooksConfig = defineConfig(
  'webhooks',
  'Events',
  {
    url: optional('EVENTS_URL', webhookUrl(), {
      description:
        'URL that receives an event when a verification ends, or when a message surely did not arrive',
      values: 'https URL; outside production http on a loopback address, too',
      defaultInWords: 'no events',
    }),
    secrets: optional('EVENTS_SECRET', parsedBy(parseSecrets), {
      description:
        'secret that signs the events, as Standard Webhooks specifies; to rotate, list the new secret before the old one',
      values: '`whsec_` and 24 to 64 bytes in base64; two during a rotation',
      defaultInWords: 'required with `EVENTS_URL`',
      isSecret: true,
    }),
  },
  ({ url, secrets = [] }) => ({
    /** Where events go, and the secrets that sign them; `undefined` if events are off. */
    receiver: url === undefined ? undefined : { url, secrets },
  }),
);
export type WebhooksConfig = ConfigType<typeof webhooksConfig>;

/** The errors of settings that do not fit `EVENTS_URL` or its absence. */
export function findWebhookErrors(env: Environment): string[] {
  const { receiver } = webhooksConfig(env);
  const hasSecret = env.values['EVENTS_SECRET'] !== undefined;
  if (!receiver) return hasSecret ? ['EVENTS_URL is required with EVENTS_SECRET'] : [];
  const usesPlainHttp = receiver.url.startsWith('http:');
  const { retentionMs } = storageConfig(env);
  return [
    ...(hasSecret ? [] : ['EVENTS_SECRET is required with EVENTS_URL']),
    ...(usesPlainHttp && serviceConfig(env).isProduction
      ? ['EVENTS_URL must be an https URL in production']
      : []),
    ...(retentionMs < MIN_RETENTION_MS ? ['RETENTION must be at least 2d with EVENTS_URL'] : []),
  ];
}

/** @throws Error with the form of a secret, never with a part of one */
function parseSecrets(text: string): readonly Buffer[] {
  const secrets = text.split(',').map((entry) => {
    const [, base64 = ''] = SECRET.exec(entry.trim()) ?? [];
    return Buffer.from(base64, 'base64');
  });
  if (secrets.length > 2 || secrets.some(({ length }) => length < 24 || length > 64)) {
    throw new Error(`must be ${SECRET_FORM}; two with a comma between while you rotate them`);
  }
  return secrets;
}
