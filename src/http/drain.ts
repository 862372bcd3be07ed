import type { Socket } from 'node:net';
import { Injectable } from '@nestjs/common';
import type { FastifyInstance, RouteOptions } from 'fastify';

/** The end of a replica's life, as requests see it: none that it has taken is dropped. */
@Injectable()
export class Drain {
  private hasBegun = false;
  private readonly running = new Set<Promise<unknown>>();

  /** Whether this replica wants no more requests. It goes on answering those that come. */
  get begun(): boolean {
    return this.hasBegun;
  }

  /** From now on every answer asks its client to connect elsewhere. */
  begin(): void {
    this.hasBegun = true;
  }

  /** Makes a server without routes yet one that closes only when all it has begun is done. */
  watch(fastify: FastifyInstance): void {
    fastify.addHook('onRequest', (_request, reply, done) => {
      if (this.hasBegun) void reply.header('connection', 'close');
      done();
    });
    fastify.addHook('onRoute', (route) => {
      this.follow(route);
    });
    closeSilentConnections(fastify);
    // The last connection has closed by then. But a caller that hung up left its request running:
    // a text may be on its way, and what the provider says of it is still to be written down.
    fastify.addHook('onClose', async () => {
      await Promise.allSettled(this.running);
    });
  }

  private follow(route: RouteOptions): void {
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
 * Closes, at the end, the connections on which nothing was ever asked, as browsers and balancers
 * open them in advance. Node takes them for busy, and would wait for them.
 */
function closeSilentConnections(fastify: FastifyInstance): void {
  const open = new Set<Socket>();
  fastify.server.on('connection', (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  fastify.addHook('preClose', async () => {
    for (const socket of open) if (socket.bytesRead === 0) socket.destroy();
  });
}
