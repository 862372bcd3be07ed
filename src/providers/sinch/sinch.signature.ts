import { createHash, createHmac } from 'node:crypto';

/** What a signature covers: each value exactly as in the HTTP request. */
export interface SignedRequest {
  readonly method: string;
  /** Without host and query. */
  readonly path: string;
  readonly contentType: string;
  /** ISO 8601, UTC: the header `x-timestamp`. */
  readonly timestamp: string;
  readonly body: string | Buffer | undefined;
}

/**
 * Creates the signature of an "application signed request":
 * https://developers.sinch.com/docs/verification/api-reference/authentication/application-signed-request
 * @param secret in base64, as the dashboard shows it.
 */
export function createSignature(
  { method, path, contentType, timestamp, body }: SignedRequest,
  secret: string,
): string {
  const contentMd5 = body?.length ? createHash('md5').update(body).digest('base64') : '';
  const signed = [method, contentMd5, contentType, `x-timestamp:${timestamp}`, path].join('\n');
  return createHmac('sha256', Buffer.from(secret, 'base64')).update(signed).digest('base64');
}
