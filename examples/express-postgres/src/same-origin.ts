import type { RequestHandler } from 'express';

/**
 * Rejects requests of pages of another origin, except GET and HEAD. The cookie is SameSite=Strict, but that
 * does not stop other subdomains, which are the same site. A request without `Sec-Fetch-Site` and `Origin`
 * is allowed: it comes from a program, which has no user's cookie.
 */
export const rejectOtherOrigins: RequestHandler = (request, response, next) => {
  const site = request.get('sec-fetch-site');
  const origin = request.get('origin');
  const isSafe = request.method === 'GET' || request.method === 'HEAD';
  const isSameOrigin =
    site === undefined
      ? origin === undefined || hostOf(origin) === request.get('host')
      : site === 'same-origin';
  if (isSafe || isSameOrigin) next();
  else response.status(403).json({ error: 'other_origin', message: 'Open this page directly.' });
};

const hostOf = (origin: string) => (URL.canParse(origin) ? new URL(origin).host : undefined);
