import { createHmac } from 'node:crypto';
import { postBody } from '../reports/post-body.js';
import type { ReportReceiver } from '../reports/report.js';
import {
  HMAC_ALGORITHMS,
  type InfobipSubscription,
  type SubscriptionSecurity,
} from './subscription.js';

const MINUTE_MS = 60_000;
// Infobip's documented retries: the first after 1 minute, then after 2, 5, 10, 17, … minutes.
const MAX_RETRIES = 20;

/**
 * Creates the receiver that posts reports to the URL of a subscription.
 * @param getHmacHeader returns the name of the header with the HMAC of the request's body
 */
export function createSubscriptionReceiver(
  { profile }: InfobipSubscription,
  getHmacHeader: () => string,
): ReportReceiver {
  const { webhook, headers, security, maxBucketSize, readTimeout } = profile;
  return {
    maxReports: maxBucketSize,
    getRetryDelayMs: (retryNumber) =>
      retryNumber < MAX_RETRIES ? MINUTE_MS * (1 + retryNumber ** 2) : undefined,
    postReports: async (results) => {
      const body = JSON.stringify({ results });
      const allHeaders = {
        ...headers,
        'content-type': webhook.contentType,
        ...createSecurityHeaders(security, body, getHmacHeader()),
      };
      return (await postBody(webhook.notifyUrl, body, allHeaders, readTimeout))?.status;
    },
  };
}

function createSecurityHeaders(
  security: SubscriptionSecurity | undefined,
  body: string,
  hmacHeader: string,
): Record<string, string> {
  if (!security) return {};
  if (security.type === 'BASIC') {
    const { username, password } = security.credentials;
    const credential = Buffer.from(`${username}:${password}`).toString('base64');
    return { authorization: `Basic ${credential}` };
  }
  const { secretKey, algorithm } = security.credentials;
  const hash = HMAC_ALGORITHMS[algorithm] ?? 'sha256';
  return { [hmacHeader]: createHmac(hash, secretKey).update(body).digest('hex') };
}
