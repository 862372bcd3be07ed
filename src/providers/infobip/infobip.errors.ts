import { ProviderError } from '../provider-error.js';
import { toStatusError, type ProviderResponse } from '../provider-response.js';
import type { InfobipErrorBody } from './infobip.types.js';

const NOT_FOUND_CODES: readonly unknown[] = ['NOT_FOUND', 'RESOURCE_NOT_FOUND', 'E404'];

/**
 * The error for a response to a send that is no 2xx. A 400 that rejects the field `to` means that
 * the number is invalid. Otherwise only the status decides, because Infobip's error codes vary.
 */
export function toSendError(response: ProviderResponse): ProviderError {
  const { status, body } = response;
  if (status === 400 && parseErrorBody(body).fields.includes('to'))
    return new ProviderError('destination_unreachable', { detail: status });
  return toStatusError(status, response);
}

/**
 * Whether the API reports that a PIN, application or template does not exist. A gateway's 404 does
 * not count.
 */
export const isNotFound = ({ status, body }: ProviderResponse): boolean =>
  status === 404 && NOT_FOUND_CODES.includes(parseErrorBody(body).code);

/** The names of the request fields that a 400 rejects; never a value. */
export function getRejectedFields({ body }: ProviderResponse): string[] {
  return parseErrorBody(body).fields.filter(
    (field): field is string => typeof field === 'string' && /^[\w.]{1,80}$/.test(field),
  );
}

/** The error code and the invalid request fields, from either of Infobip's two error formats. */
function parseErrorBody(body: unknown): { code?: unknown; fields: unknown[] } {
  if (typeof body !== 'object' || body === null) return { fields: [] };
  const { errorCode, violations, requestError }: InfobipErrorBody = body;
  const { messageId, validationErrors } = requestError?.serviceException ?? {};
  const violationList: readonly ({ property?: unknown } | null)[] = Array.isArray(violations)
    ? violations
    : [];
  return {
    code: messageId ?? errorCode,
    fields: [
      ...Object.keys(validationErrors ?? {}),
      ...violationList.map((violation) => violation?.property),
    ],
  };
}
