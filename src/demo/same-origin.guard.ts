import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { DomainError } from '../common/domain-error.js';

/**
 * Admits only requests that the demo page itself makes, so that no page of another site can act for a
 * visitor (CSRF). The cookie's `SameSite=Strict` and the required JSON bodies prevent that, too.
 */
@Injectable()
export class SameOriginGuard implements CanActivate {
  /** @throws DomainError `not_found`: for other pages the route does not exist. */
  canActivate(context: ExecutionContext): boolean {
    if (isSameOrigin(context.switchToHttp().getRequest<FastifyRequest>())) return true;
    throw new DomainError('not_found', { message: 'Only the demo page can call this path.' });
  }
}

/**
 * Reads `Sec-Fetch-Site` (W3C Fetch Metadata §2.4). Browsers omit this header over plain HTTP, except to
 * localhost. Then `Origin` decides, which every browser sends with a POST.
 */
function isSameOrigin({ headers }: FastifyRequest): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin';
  return /^https?:\/\/(.+)$/.exec(headers.origin ?? '')?.[1] === headers.host;
}
