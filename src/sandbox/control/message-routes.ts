import type { FastifyInstance } from 'fastify';
import type { Phone } from '../phone.js';
import { MessageStreams } from './message-stream.js';

interface OfPhone {
  Querystring: { to?: string };
}

/** What the phones received. */
export function messageRoutes(phone: Phone) {
  return async (fastify: FastifyInstance): Promise<void> => {
    const streams = new MessageStreams(phone);
    fastify.addHook('preClose', async () => {
      streams.close();
    });
    fastify.get<OfPhone>('/messages', async ({ query }) => phone.inbox(query.to));
    fastify.get<OfPhone>('/messages/stream', async (request, reply) => {
      if (!streams.hasRoom)
        return reply.code(503).send({ error: 'There are too many streams already' });
      streams.start(request, reply, request.query.to);
      return reply;
    });
    fastify.delete('/messages', async (_request, reply) => {
      phone.clear();
      return reply.code(204).send();
    });
  };
}
