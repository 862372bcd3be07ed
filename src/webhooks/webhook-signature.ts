import { createHmac } from 'node:crypto';

/**
 * The header `webhook-signature` of Standard Webhooks 1.0. It has a signature for each secret, so that
 * the receiver may use any of them during a rotation.
 * @param timestamp seconds since the epoch, as in `webhook-timestamp`
 */
export const signWebhook = (
  secrets: readonly Buffer[],
  id: string,
  timestamp: number,
  body: string,
): string =>
  secrets
    .map((secret) => createHmac('sha256', secret).update(`${id}.${String(timestamp)}.${body}`))
    .map((hmac) => `v1,${hmac.digest('base64')}`)
    .join(' ');
