import { TOKEN, type ReportingProvider } from './reporting-sandbox.js';
import { SINCH_APPLICATION } from './sandbox.js';

/** Headers of forged reports: each lacks what only the provider knows. */
export const FORGED_HEADERS: Record<ReportingProvider, Record<string, string>[]> = {
  infobip: [
    {},
    { 'x-delivery-token': 'another-token-of-somebody' },
    { 'x-delivery-token': TOKEN },
    { 'x-delivery-token': TOKEN, 'x-ours': '0'.repeat(64) },
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
