import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { EventBus } from '../common/events.js';
import './request-fields.js';
import { createRequestContext } from './request-id.js';

declare module 'fastify' {
  interface FastifyInstance {
    /** For CONNECT and connection errors, which have no Fastify request. */
    readonly events: EventBus;
  }
}

/**
 * How many requests of one connection may wait for a response. Node accepts any number (pipelining,
 * RFC 9112 §9.3.2), and each takes about 5 kB until it is answered. HTTP clients pipeline few or none.
 */
const MAX_PENDING_REQUESTS = 32;

/** The client disconnected before the response was sent: nginx's non-standard status for the log. */
const CLIENT_CLOSED_REQUEST = 499;

/** Responses that are not sent yet, oldest first: pipelined requests are answered in order. */
const pending = new WeakMap<Socket, Set<ServerResponse>>();

/** The response that a connection sends next; `undefined` if no request waits for one. */
export const findCurrentResponse = (socket: Socket): ServerResponse | undefined =>
  pending.get(socket)?.values().next().value;

/**
 * Emits an event when a request starts and when it completes, creates its context and returns its
 * id to the client. Closes a connection with too many pipelined requests. Register it first, so that
 * every request is known to `findCurrentResponse`.
 */
export function registerRequestTracking(fastify: FastifyInstance, events: EventBus): void {
  fastify.decorate('events', events);
  fastify.addHook('onRequest', (request, reply, done) => {
    const { socket } = request;
    if ((pending.get(socket)?.size ?? 0) >= MAX_PENDING_REQUESTS) socket.destroy();
    if (socket.destroyed) {
      // Node parses the rest of the received bytes; ignore those requests.
      reply.hijack();
      return;
    }
    const startedAt = performance.now();
    request.requestContext = createRequestContext(request.id, request.headers);
    void reply.header('x-request-id', request.id);
    events.emit({ type: 'request_started' });
    onResponseEnd(reply.raw, socket, () => {
      events.emit({
        type: 'request_completed',
        context: request.requestContext,
        method: request.method,
        route: request.routeOptions.url,
        status: reply.raw.writableFinished ? reply.statusCode : CLIENT_CLOSED_REQUEST,
        problem: request.errorCode,
        limit: request.reachedLimit,
        auditDetails: request.auditDetails,
        invalidFields: request.invalidFields,
        replayed: reply.hasHeader('idempotency-replayed'),
        client: request.client?.name,
        durationMs: performance.now() - startedAt,
      });
    });
    done();
  });
}

/** Tracks a response, and calls back when it is sent or can no longer be sent. */
function onResponseEnd(response: ServerResponse, socket: Socket, callback: () => void): void {
  const responses = pending.get(socket) ?? new Set();
  pending.set(socket, responses.add(response));
  const isQueued = response.socket === null;
  const end = (): void => {
    responses.delete(response);
    if (isQueued) {
      response.off('close', end);
      socket.off('close', end);
    }
    callback();
  };
  response.once('close', end);
  // Node does not close a response queued behind another (RFC 9112 §9.3.2) when the socket breaks.
  // Each queued response adds a listener, so there may be many.
  if (isQueued) socket.setMaxListeners(Infinity).once('close', end);
}
