import { RequestMethod, type Type } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants.js';
import { PUBLIC } from '../http/public.decorator.js';
import { RATE_LIMIT } from '../throttling/rate-limit.decorator.js';
import type { Method } from './document.js';
import { DESCRIPTION, type Description } from './described.decorator.js';

/** A described route, with what its decorators say of it. */
export interface Endpoint extends Description {
  /** As OpenAPI writes it: `/otp/{pinId}`. */
  readonly path: string;
  readonly method: Method;
  /** Whether no API key is asked for. */
  readonly open: boolean;
  /** Whether requests are counted. */
  readonly limited: boolean;
}

/** The described routes of a controller. */
export function endpointsOf(controller: Type): Endpoint[] {
  const members = Object.getOwnPropertyDescriptors(controller.prototype);
  return Object.values<TypedPropertyDescriptor<unknown>>(members).flatMap(({ value: handler }) => {
    if (typeof handler !== 'function') return [];
    const description = metadataOf(handler, DESCRIPTION) as Description | undefined;
    return description ? [endpointOf(controller, handler, description)] : [];
  });
}

function endpointOf(controller: Type, handler: object, description: Description): Endpoint {
  const parts = [controller, handler].map((each) => metadataOf(each, PATH_METADATA) as string);
  return {
    ...description,
    path: `/${parts.join('/').replace(/:(\w+)/g, '{$1}')}`,
    method: methodOf(metadataOf(handler, METHOD_METADATA) as RequestMethod),
    open: [handler, controller].some((each) => metadataOf(each, PUBLIC) === true),
    limited: metadataOf(handler, RATE_LIMIT) !== undefined,
  };
}

const metadataOf = (target: object, key: string | symbol): unknown =>
  Reflect.getMetadata(key, target);

function methodOf(method: RequestMethod): Method {
  switch (method) {
    case RequestMethod.GET:
      return 'get';
    case RequestMethod.POST:
      return 'post';
    case RequestMethod.DELETE:
      return 'delete';
    default:
      throw new Error('Only a route for GET, POST or DELETE can be described.');
  }
}
