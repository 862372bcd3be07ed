import { ProviderError } from '../provider-error.js';
import { toStatusError, type ProviderResponse } from '../provider-response.js';
import type { InfobipErrorBody } from './infobip.types.js';

const NOT_FOUND_CODES: readonly unknown[] = ['NOT_FOUND', 'RESOURCE_NOT_FOUND', 'E404'];

/** The error of a send that is not answered with a 2xx. Its status decides, as error codes vary. */
export function toSendError(response: ProviderResponse): ProviderError {
  const { status, body } = response;
  if (status === 400 && parseErrorBody(body).fields.includes('to'))
    return new ProviderError('destination_unreachable', { detail: status });
  return toStatusError(status, response);
}

/** A 404 of the API itself, not of a gateway: only then the PIN does not exist. */
export const isNotFound = ({ status, body }: ProviderResponse): boolean =>
  status === 404 && NOT_FOUND_CODES.includes(parseErrorBody(body).code);

/** The names of the request fields that a 400 rejects; never a value. */
export function getRejectedFields({ body }: ProviderResponse): string[] {
  return parseErrorBody(body).fields.filter(
    (field): field is string => typeof field === 'string' && /^[\w.]{1,80}$/.test(field),
  );
}

/** Infobip's error code and the invalid request fields, from either of its two formats. */
function parseErrorBody(body: unknown): { code?: unknown; fields: unknown[] } {
  if (typeof body !== 'object' || body === null) return { fields: [] };
  const { errorCode, violations, requestError }: InfobipErrorBody = body;
  const { messageId, validationErrors } = requestError?.serviceException ?? {};
  const list: readonly ({ property?: unknown } | null)[] = Array.isArray(violations)
    ? violations
    : [];
  return {
    code: messageId ?? errorCode,
    fields: [
      ...Object.keys(validationErrors ?? {}),
      ...list.map((violation) => violation?.property),
    ],
  };
}
