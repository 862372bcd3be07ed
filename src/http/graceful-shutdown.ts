import type { Socket } from 'node:net';
import { Injectable } from '@nestjs/common';
import type { FastifyInstance, RouteOptions } from 'fastify';
import { seconds } from '../common/durations.js';
import { currentResponse } from './current-response.js';

/**
 * How long, in milliseconds, a request may still arrive once the server takes no more connections:
 * Node looks for slow callers no longer, and the shortest of stops gives up after 5 s.
 */
const FORCE_CLOSE_AFTER_MS = seconds(4);

/** The end of a replica's life, as requests see it: none that it has taken is dropped. */
@Injectable()
export class GracefulShutdown {
  private draining = false;
  private readonly running = new Set<Promise<unknown>>();

  /** Whether this replica wants no more requests. It goes on answering those that come. */
  get isDraining(): boolean {
    return this.draining;
  }

  /** From now on every answer asks its client to connect elsewhere. */
  start(): void {
    this.draining = true;
  }

  /** Makes a server without routes yet one that closes only when all it has begun is done. */
  register(fastify: FastifyInstance): void {
    fastify.addHook('onRequest', (_request, reply, done) => {
      if (this.draining) void reply.header('connection', 'close');
      done();
    });
    fastify.addHook('onRoute', (route) => {
      this.trackHandler(route);
    });
    closeConnections(fastify);
    // The last connection has closed by then. But a caller that hung up left its request running:
    // a text may be on its way, and what the provider says of it is still to be written down.
    fastify.addHook('onClose', async () => {
      await Promise.allSettled(this.running);
    });
  }

  private trackHandler(route: RouteOptions): void {
    const { handler } = route;
    const { running } = this;
    route.handler = function (request, reply) {
      const answer: unknown = handler.call(this, request, reply);
      if (!(answer instanceof Promise)) return answer;
      running.add(answer);
      const settled = () => running.delete(answer);
      answer.then(settled, settled);
      return answer;
    };
  }
}

/**
 * Closes, at the end, the connections that Node takes for busy and would wait for: those on which
 * nothing was ever asked, as browsers and balancers open them in advance, those that were kept
 * alive for more, and those whose caller does not come to an end.
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

/** Calls back once all answers on a connection are out, those to pipelined requests, too. */
function onIdle(socket: Socket, callback: () => void): void {
  const answer = currentResponse(socket);
  if (answer === undefined) callback();
  else
    answer.once('close', () => {
      onIdle(socket, callback);
    });
}
