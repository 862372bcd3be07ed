import { errorFromStatus, type ProviderResponse } from '../provider-response.js';
import { ProviderError } from '../provider-error.js';
import type { ErrorCodeBody, RequestErrorBody } from './infobip.types.js';

/** What an error body says, whichever of Infobip's two shapes it has. */
interface ErrorBody {
  /** The vendor's word for the error: `NOT_FOUND`, `RESOURCE_NOT_FOUND`, `E404`, … */
  readonly word: string | undefined;
  /** The request fields it complains of. */
  readonly fields: readonly unknown[];
}

/** Turns an answer that is not a 2xx into a failure, by its status first (contract §8). */
export function toProviderError(answer: ProviderResponse): ProviderError {
  const { status, body } = answer;
  if (status === 400 && readErrorBody(body).fields.includes('to'))
    return new ProviderError('destination_unreachable', { detail: status });
  return errorFromStatus(status, answer);
}

/**
 * A 404 that the API itself gave, not a gateway in front of it: only then does the vendor really
 * not know the PIN any more.
 */
export function isNotFound({ status, body }: ProviderResponse): boolean {
  const word = readErrorBody(body).word;
  return (
    status === 404 && (word === 'NOT_FOUND' || word === 'RESOURCE_NOT_FOUND' || word === 'E404')
  );
}

/** The names of the request's fields that a 400 complains of; never a value. */
export function getRejectedFields({ body }: ProviderResponse): string[] {
  return readErrorBody(body).fields.filter(
    (field): field is string => typeof field === 'string' && /^[\w.]{1,80}$/.test(field),
  );
}

function readErrorBody(body: unknown): ErrorBody {
  if (typeof body !== 'object' || body === null) return { word: undefined, fields: [] };
  const { errorCode, violations, requestError } = body as RequestErrorBody & ErrorCodeBody;
  const { messageId, validationErrors } = requestError?.serviceException ?? {};
  const word = messageId ?? errorCode;
  const complaints: readonly ({ property?: unknown } | null)[] = Array.isArray(violations)
    ? violations
    : [];
  return {
    word: typeof word === 'string' ? word : undefined,
    fields: [
      ...Object.keys(validationErrors ?? {}),
      ...complaints.map((complaint) => complaint?.property),
    ],
  };
}
