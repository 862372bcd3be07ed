import { HMAC_HEADER, REPORT_TOKEN, type ReportingProvider } from './reporting-sandbox.js';
import { SINCH_APPLICATION } from './sandbox.js';

/** Headers of forged reports. In each, a token or signature is missing or wrong. */
export const FORGED_HEADERS: Record<ReportingProvider, Record<string, string>[]> = {
  infobip: [
    {},
    { 'x-delivery-token': 'another-token-of-somebody' },
    { 'x-delivery-token': REPORT_TOKEN },
    { 'x-delivery-token': REPORT_TOKEN, [HMAC_HEADER]: '0'.repeat(64) },
  ],
  sinch: [
    {},
    { authorization: `Application ${SINCH_APPLICATION.key}` },
    {
      authorization: `Application ${SINCH_APPLICATION.key}:${'A'.repeat(43)}=`,
      'x-timestamp': new Date().toISOString(),
    },
  ],
};
