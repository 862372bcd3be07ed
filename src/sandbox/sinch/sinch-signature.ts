import { createHash, createHmac } from 'node:crypto';

interface SinchSignatureInput {
  readonly method: string;
  /** Path and query; the query is not signed. */
  readonly url: string;
  readonly contentType: string;
  /** The header `x-timestamp`. */
  readonly timestamp: string;
  readonly body: string;
}

/**
 * Signs a request or a callback.
 * @param secret the application's secret, in Base64
 * @returns the signature, in Base64
 */
export function signSinchRequest(
  { method, url, contentType, timestamp, body }: SinchSignatureInput,
  secret: string,
): string {
  const stringToSign = [
    method,
    body === '' ? '' : createHash('md5').update(body).digest('base64'),
    contentType,
    `x-timestamp:${timestamp}`,
    url.split('?', 1)[0],
  ].join('\n');
  const key = Buffer.from(secret, 'base64');
  return createHmac('sha256', key).update(stringToSign).digest('base64');
}
