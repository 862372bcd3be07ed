import { parsePhoneNumberFromString } from 'libphonenumber-js/max';
import type { SinchVerification } from './sinch-verification.js';

const toPrice = (amount: number) => ({ amount, currencyId: 'EUR' });
export const VERIFICATION_PRICE = toPrice(0.05);

/** @param apiUrl the URL of the API, with its version. */
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
    // A pending verification has no status here; one whose message or call already failed has.
    ...(status !== 'PENDING' && { status, ...(reason !== undefined && { reason }) }),
    _links: links,
  };
}

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

/** The report response, with the price and details of the call. */
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
        ...(isPhoneCall(verification) && { terminationPrice: toPrice(0.01), billableDuration: 12 }),
      },
    }),
  };
}

const isPhoneCall = ({ method }: SinchVerification): boolean =>
  method === 'callout' || method === 'flashcall';
