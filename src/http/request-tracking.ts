import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { EventBus } from '../common/events.js';
import './authenticated-client.js';
import { createRequestContext } from './request-id.js';

declare module 'fastify' {
  interface FastifyInstance {
    /** Where what is answered without a request of Fastify's is told of, too. */
    readonly events: EventBus;
  }
}

/** The caller hung up: what nginx writes in place of the status that nobody heard. */
const CLIENT_CLOSED_REQUEST = 499;

/**
 * Makes a server without routes yet tell of every request when it comes and when its answer is out,
 * echo its id, and know its context.
 */
export function registerRequestTracking(fastify: FastifyInstance, events: EventBus): void {
  fastify.decorate('events', events);
  fastify.addHook('onRequest', (request, reply, done) => {
    const beganAt = performance.now();
    const context = createRequestContext(request.id, request.headers);
    request.requestContext = context;
    void reply.header('x-request-id', request.id);
    events.emit({ type: 'request_started' });
    onResponseEnd(reply.raw, request.socket, () => {
      events.emit({
        type: 'request_completed',
        context,
        method: request.method,
        route: request.routeOptions.url,
        status: reply.raw.writableFinished ? reply.statusCode : CLIENT_CLOSED_REQUEST,
        problem: request.errorCode,
        client: request.client?.name,
        durationMs: performance.now() - beganAt,
      });
    });
    done();
  });
}

/** Calls back when an answer is out, or will never be. */
function onResponseEnd(answer: ServerResponse, connection: Socket, callback: () => void): void {
  if (answer.socket !== null) {
    answer.once('close', callback);
    return;
  }
  // It waits behind another (RFC 9112 §9.3.2): Node does not close it if the connection breaks first.
  const over = (): void => {
    answer.off('close', over);
    connection.off('close', over);
    callback();
  };
  answer.on('close', over);
  connection.setMaxListeners(Infinity).on('close', over);
}
