import { parsePhoneNumberFromString } from 'libphonenumber-js/max';
import type { SinchVerification } from './sinch-verification.js';

const toPrice = (amount: number) => ({ amount, currencyId: 'EUR' });
export const VERIFICATION_PRICE = toPrice(0.05);
/** The price and length in seconds of every phone call. */
const CALL_COST = { terminationPrice: toPrice(0.01), billableDuration: 12 };

/** @param apiUrl the URL of the API, up to its version, such as `http://127.0.0.1:3999/verification/v1`. */
export function buildStartResponse(verification: SinchVerification, apiUrl: string): object {
  const { id, method, status, reason, codeType, interceptionTimeout, language } = verification;
  const href = `${apiUrl}/verifications/id/${id}`;
  const partByMethod = {
    sms: { sms: { template: language.template, interceptionTimeout, codeType } },
    callout: {},
    whatsapp: { whatsapp: { codeType } },
    flashcall: {
      flashCall: {
        // The expected code is the caller's number, of which only the last four digits vary.
        cliFilter: `(.*)${verification.expectedCode.slice(1, -4)}([0-9]{4})`,
        interceptionTimeout,
        reportTimeout: interceptionTimeout * 2,
        denyCallAfter: 0,
      },
    },
    seamless: { seamless: { targetUri: `${apiUrl}/data/${id}` } },
  };
  const links = [{ rel: 'status', href, method: 'GET' }];
  if (method !== 'seamless') links.push({ rel: 'report', href, method: 'PUT' });
  return {
    id,
    method,
    ...partByMethod[method],
    // Only a verification that has already failed has a status here.
    ...(status !== 'PENDING' && { status, ...(reason !== undefined && { reason }) }),
    _links: links,
  };
}

/** Builds the response to a report, the request that submits a code. */
export function buildReportResponse(verification: SinchVerification): object {
  const { id, method, status, reason, reference, number } = verification;
  return {
    id,
    method,
    status,
    ...(reason !== undefined && { reason }),
    ...(isPhoneCall(verification) && { callComplete: true }),
    ...(reference !== undefined && { reference }),
    source: 'manual',
    identity: { type: 'number', endpoint: number },
  };
}

/** Builds the response to a status request: as for a report, with the price and details of the call. */
export function buildStatusResponse(verification: SinchVerification): object {
  const { status, number, startedAt } = verification;
  const countryId = parsePhoneNumberFromString(number)?.country;
  return {
    ...buildReportResponse(verification),
    ...(countryId !== undefined && { countryId }),
    // Sinch writes seven decimal places and no time zone.
    verificationTimestamp: `${new Date(startedAt).toISOString().slice(0, -1)}0000`,
    ...(isPhoneCall(verification) && { callResult: 'ANSWERED' }),
    ...(status !== 'PENDING' && {
      price: {
        verificationPrice: VERIFICATION_PRICE,
        ...(isPhoneCall(verification) && CALL_COST),
      },
    }),
  };
}

const isPhoneCall = ({ method }: SinchVerification): boolean =>
  method === 'callout' || method === 'flashcall';
