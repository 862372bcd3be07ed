import { parsePhoneNumberFromString } from 'libphonenumber-js/max';
import type { SinchVerification } from './sinch-verification.js';

/** What a start is answered with. @param url where the API is, with its version. */
export function buildStartResponse(verification: SinchVerification, url: string): object {
  const {
    id,
    method,
    status,
    reason,
    codeType,
    interceptionTimeout,
    expectedCode: secret,
  } = verification;
  const byId = `${url}/verifications/id/${id}`;
  const own = {
    sms: { sms: { template: 'Your code is {{CODE}}', interceptionTimeout, codeType } },
    callout: {},
    whatsapp: { whatsapp: { codeType } },
    flashcall: {
      flashCall: {
        // The last four digits are what tells one call from another.
        cliFilter: `(.*)${secret.slice(1, -4)}([0-9]{4})`,
        interceptionTimeout,
        reportTimeout: interceptionTimeout * 2,
        denyCallAfter: 0,
      },
    },
    seamless: { seamless: { targetUri: `${url}/data/${id}` } },
  };
  const links = [{ rel: 'status', href: byId, method: 'GET' }];
  if (method !== 'seamless') links.push({ rel: 'report', href: byId, method: 'PUT' });
  return {
    id,
    method,
    ...own[method],
    // Only of one that ended as it began.
    ...(status !== 'PENDING' && { status, ...(reason !== undefined && { reason }) }),
    _links: links,
  };
}

/** What a report is answered with. */
export function buildReportResponse(verification: SinchVerification): object {
  const { id, method, status, reason, reference, endpoint } = verification;
  return {
    id,
    method,
    status,
    ...(reason !== undefined && { reason }),
    ...(isPhoneCall(verification) && { callComplete: true }),
    ...(reference !== undefined && { reference }),
    source: 'manual',
    identity: { type: 'number', endpoint },
  };
}

/** What a query is answered with: a report's answer, and what it cost. */
export function buildStatusResponse(verification: SinchVerification): object {
  const { status, endpoint, startedAt } = verification;
  const price = (amount: number) => ({ amount, currencyId: 'EUR' });
  const countryId = parsePhoneNumberFromString(endpoint)?.country;
  return {
    ...buildReportResponse(verification),
    ...(countryId !== undefined && { countryId }),
    // Seven digits after the point, and no time zone.
    verificationTimestamp: `${new Date(startedAt).toISOString().slice(0, -1)}0000`,
    ...(isPhoneCall(verification) && { callResult: 'ANSWERED' }),
    ...(status !== 'PENDING' && {
      price: {
        verificationPrice: price(0.05),
        ...(isPhoneCall(verification) && { terminationPrice: price(0.01), billableDuration: 12 }),
      },
    }),
  };
}

const isPhoneCall = ({ method }: SinchVerification): boolean =>
  method === 'callout' || method === 'flashcall';
