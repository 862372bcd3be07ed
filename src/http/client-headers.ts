/** The response headers that clients read: each is documented, and readable by pages (CORS). */
export const CLIENT_HEADERS = [
  'Accept-Encoding',
  'Idempotency-Replayed',
  'RateLimit',
  'RateLimit-Policy',
  'Retry-After',
  'WWW-Authenticate',
  'X-Request-Id',
] as const;
