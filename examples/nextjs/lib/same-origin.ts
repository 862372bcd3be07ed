/**
 * Protects against cross-site request forgery (CSRF), together with the cookie's `SameSite`. `SameSite` alone
 * admits pages of other subdomains, which are the same site; these headers exclude them. Browsers send
 * `Sec-Fetch-Site` with every request to https and localhost, and `Origin` with every POST. For server actions
 * Next compares `Origin` and `Host` itself.
 */
export function isSameOrigin(headers: Headers): boolean {
  const site = headers.get('sec-fetch-site');
  if (site !== null) return site === 'same-origin';
  return /^https?:\/\/(.+)$/.exec(headers.get('origin') ?? '')?.[1] === headers.get('host');
}
