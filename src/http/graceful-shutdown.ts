import type { Socket } from 'node:net';
import { Injectable } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import { seconds } from '../common/durations.js';
import { findCurrentResponse } from './request-tracking.js';

/**
 * How long the rest of a request may take to arrive once the server has stopped listening. Node no
 * longer enforces its request timeout then. Shorter than any deadline of shutdown.ts (5 s or more).
 */
const INCOMPLETE_REQUEST_TIMEOUT_MS = seconds(4);

/** Graceful shutdown: every accepted request is answered before the server closes. */
@Injectable()
export class GracefulShutdown {
  private draining = false;

  /** Whether readiness reports 503. Requests are still answered. */
  get isDraining(): boolean {
    return this.draining;
  }

  /** Readiness reports 503 from now on, and every response asks its client to close the connection. */
  startDraining(): void {
    this.draining = true;
  }

  /** Adds its hooks. Call it before the first route. */
  register(fastify: FastifyInstance): void {
    fastify.addHook('onRequest', (_request, reply, done) => {
      if (this.draining) void reply.header('connection', 'close');
      done();
    });
    const running = new Set<Promise<unknown>>();
    fastify.addHook('onRoute', (route) => {
      const { handler } = route;
      route.handler = function (request, reply) {
        const result: unknown = handler.call(this, request, reply);
        if (!(result instanceof Promise)) return result;
        running.add(result);
        const remove = () => running.delete(result);
        result.then(remove, remove);
        return result;
      };
    });
    closeConnectionsOnShutdown(fastify);
    // Handlers outlive the connection of a client that disconnected: a message may be on its way,
    // and the provider's response must still be stored.
    fastify.addHook('onClose', async () => {
      await Promise.allSettled(running);
    });
  }
}

/**
 * Closes the connections that Node's `server.close()` waits for. Node itself closes only those that
 * are idle at that moment, after at least one response.
 */
function closeConnectionsOnShutdown(fastify: FastifyInstance): void {
  const open = new Set<Socket>();
  fastify.server.on('connection', (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  fastify.addHook('preClose', async () => {
    for (const socket of open) {
      // No request yet: browsers and load balancers open such connections in advance.
      if (socket.bytesRead === 0) socket.destroy();
      else if (findCurrentResponse(socket)) {
        onIdle(socket, () => {
          socket.destroySoon();
        });
      }
    }
    setTimeout(() => {
      for (const socket of open) if (!hasCompleteRequest(socket)) socket.destroy();
    }, INCOMPLETE_REQUEST_TIMEOUT_MS).unref();
  });
}

/** Whether a request has arrived completely and is not answered yet. */
function hasCompleteRequest(socket: Socket): boolean {
  return findCurrentResponse(socket)?.req.complete === true;
}

/** Calls back once every response on a connection is sent, those to pipelined requests included. */
function onIdle(socket: Socket, callback: () => void): void {
  const response = findCurrentResponse(socket);
  if (response === undefined) callback();
  else
    response.once('close', () => {
      onIdle(socket, callback);
    });
}
