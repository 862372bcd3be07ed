import { RequestMethod } from '@nestjs/common';
import { METHOD_METADATA, ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum.js';
import { ERROR_CATALOG, ERROR_CODES, type ErrorCode } from '../common/error-catalog.js';
import { PUBLIC } from '../http/public.decorator.js';
import { RATE_LIMIT } from '../throttling/rate-limit.decorator.js';

/** What the other decorators of a route already say about it. */
export interface RouteTraits {
  readonly isPublic: boolean;
  readonly isRateLimited: boolean;
  readonly isIdempotent: boolean;
  readonly isGet: boolean;
  readonly hasBody: boolean;
}

/** Reads the metadata that Nest, the API-key guard and the rate-limit guard go by. */
export function readTraits(
  prototype: object,
  key: string | symbol,
  isIdempotent: boolean,
): RouteTraits {
  const controller = prototype.constructor;
  const handler = (prototype as Record<string | symbol, object>)[key] ?? {};
  const parameters = (Reflect.getMetadata(ROUTE_ARGS_METADATA, controller, key) ?? {}) as object;
  return {
    isPublic: [handler, controller].some((target) => Reflect.getMetadata(PUBLIC, target) === true),
    isRateLimited: Reflect.hasMetadata(RATE_LIMIT, handler),
    isIdempotent,
    isGet: Reflect.getMetadata(METHOD_METADATA, handler) === RequestMethod.GET,
    hasBody: Object.keys(parameters).some((id) =>
      id.startsWith(`${String(RouteParamtypes.BODY)}:`),
    ),
  };
}

/** The errors that an operation with these traits returns, as the catalog says. */
export function errorsOf(
  operation: string,
  { isPublic, isIdempotent, isGet, hasBody }: RouteTraits,
): ErrorCode[] {
  const sources = new Set<string>([operation]);
  // Each authenticated route validates an Idempotency-Key, also where it has no effect.
  if (!isPublic) sources.add('authenticated');
  if (!isPublic && !isGet) sources.add('write');
  if (hasBody) sources.add('body');
  if (isIdempotent) sources.add('idempotent');
  return ERROR_CODES.filter((code) =>
    ERROR_CATALOG[code].returnedBy?.some((source) => sources.has(source)),
  );
}
