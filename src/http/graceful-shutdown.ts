import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import { seconds } from '../common/durations.js';
import { findCurrentResponse } from './request-tracking.js';

/**
 * How long the rest of a request may take to arrive once the server has stopped listening. Node no
 * longer enforces its request timeout then. Shorter than the deadline of shutdown.ts (15 s or more).
 */
const INCOMPLETE_REQUEST_TIMEOUT_MS = seconds(4);

/** Time for a connection's first request: a round trip, and one retransmission (1 s, RFC 6298 §2). */
const FIRST_REQUEST_TIMEOUT_MS = seconds(2);

/** The longest time for which the server still accepts connections, if clients keep opening new ones. */
const ACCEPT_TIMEOUT_MS = seconds(1);

/** Answers every request before the server closes, also a request that is still arriving. */
@Injectable()
export class GracefulShutdown {
  private draining = false;
  /** The open connections, with the times when they were opened. */
  private readonly openedAt = new Map<Socket, number>();

  /** Whether readiness reports 503. Requests are still answered. */
  get isDraining(): boolean {
    return this.draining;
  }

  /** Readiness reports 503 from now on, and every response asks its client to close the connection. */
  startDraining(): void {
    this.draining = true;
  }

  /** Adds the hooks of the shutdown to the server. Call it before the first route is added. */
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
    closeConnectionsOnShutdown(fastify, this.openedAt);
    // Handlers outlive the connection of a client that disconnected: a message may be on its way,
    // and the provider's response must still be stored.
    fastify.addHook('onClose', async () => {
      await Promise.allSettled(running);
    });
  }

  /**
   * Closes the connections whose response has begun but is not sent completely: their clients do not
   * read it, or read slowly. The server would wait for them.
   */
  closeUnread(): void {
    for (const socket of this.openedAt.keys()) {
      if (findCurrentResponse(socket)?.headersSent) socket.destroy();
    }
  }
}

/**
 * Closes the connections that Node's `server.close()` waits for. Node itself closes only those that
 * are idle at that moment, after at least one response.
 */
function closeConnectionsOnShutdown(fastify: FastifyInstance, openedAt: Map<Socket, number>): void {
  let accepted = 0;
  fastify.server.on('connection', (socket) => {
    accepted++;
    openedAt.set(socket, performance.now());
    socket.once('close', () => openedAt.delete(socket));
  });
  fastify.addHook('preClose', async () => {
    await acceptPending(() => accepted);
    for (const [socket, time] of openedAt) {
      if (socket.bytesRead === 0) closeIfUnused(socket, time + FIRST_REQUEST_TIMEOUT_MS);
      else if (findCurrentResponse(socket)) {
        onIdle(socket, () => {
          socket.destroySoon();
        });
      }
    }
    setTimeout(() => {
      for (const socket of openedAt.keys()) if (!hasCompleteRequest(socket)) socket.destroy();
    }, INCOMPLETE_REQUEST_TIMEOUT_MS).unref();
  });
}

/**
 * Waits until Node has accepted the connections that wait in the kernel, which resets them when the
 * server stops listening. Some releases of Node accept one for each turn of the event loop.
 */
async function acceptPending(countAccepted: () => number): Promise<void> {
  const deadline = performance.now() + ACCEPT_TIMEOUT_MS;
  let before;
  do {
    before = countAccepted();
    // The first await ends this turn of the event loop. In the next turn, Node accepts connections.
    await nextTurn();
    await nextTurn();
  } while (countAccepted() > before && performance.now() < deadline);
}

/**
 * Closes a connection on which nothing has arrived by the deadline: load balancers open connections
 * in advance.
 * @param deadline by the monotonic clock, in milliseconds
 */
function closeIfUnused(socket: Socket, deadline: number): void {
  setTimeout(() => {
    if (socket.bytesRead === 0) socket.destroy();
  }, deadline - performance.now()).unref();
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
