import type { Socket } from 'node:net';
import { Injectable } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import { seconds } from '../common/durations.js';
import { currentResponse } from './request-tracking.js';

/**
 * How long a request may still arrive after the server has stopped listening, in milliseconds. Node
 * no longer checks for slow requests then. Shorter than any deadline of shutdown.ts (5 s or more).
 */
const FORCE_CLOSE_AFTER_MS = seconds(4);

/** Graceful shutdown: every accepted request is answered before the server closes. */
@Injectable()
export class GracefulShutdown {
  private draining = false;

  /** Whether readiness reports 503. Requests are still answered. */
  get isDraining(): boolean {
    return this.draining;
  }

  /** From now on every response asks its client to close the connection. */
  start(): void {
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
    closeConnections(fastify);
    // Handlers outlive the connection of a client that disconnected: a message may be on its way,
    // and the provider's response must still be stored.
    fastify.addHook('onClose', async () => {
      await Promise.allSettled(running);
    });
  }
}

/**
 * Closes connections that Node would wait for: without any request yet (browsers and load balancers
 * open some in advance), kept alive after a response, or with a request that does not end.
 */
function closeConnections(fastify: FastifyInstance): void {
  const open = new Set<Socket>();
  fastify.server.on('connection', (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  fastify.addHook('preClose', async () => {
    for (const socket of open) {
      if (socket.bytesRead === 0) socket.destroy();
      else if (currentResponse(socket)) {
        onIdle(socket, () => {
          socket.destroySoon();
        });
      }
    }
    setTimeout(() => {
      for (const socket of open) if (!currentResponse(socket)?.req.complete) socket.destroy();
    }, FORCE_CLOSE_AFTER_MS).unref();
  });
}

/** Calls back once every response on a connection is sent, those to pipelined requests included. */
function onIdle(socket: Socket, callback: () => void): void {
  const response = currentResponse(socket);
  if (response === undefined) callback();
  else
    response.once('close', () => {
      onIdle(socket, callback);
    });
}
