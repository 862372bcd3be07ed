import type { RequestHandler } from 'express';

/**
 * Protects against cross-site request forgery (CSRF), together with the cookie's `SameSite=Strict`. `SameSite`
 * alone admits pages of other subdomains, which are the same site; these headers exclude them. Browsers
 * send `Sec-Fetch-Site` with every request to https and localhost, and `Origin` with every POST.
 */
export const rejectOtherOrigins: RequestHandler = (request, response, next) => {
  if (request.method === 'GET' || request.method === 'HEAD' || isSameOrigin(request)) next();
  else response.status(403).json({ error: 'This request came from another site.' });
};

function isSameOrigin({ headers }: { headers: NodeJS.Dict<string | string[]> }): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin';
  return /^https?:\/\/(.+)$/.exec(String(headers['origin']))?.[1] === headers['host'];
}
