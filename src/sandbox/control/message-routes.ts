import type { FastifyInstance } from 'fastify';
import type { MessageInbox } from '../message-inbox.js';
import { validateInput } from '../validate-input.js';
import { addressQuerySchema } from './control-schemas.js';
import { MessageStreams } from './message-streams.js';

/** What the phones received. */
export function createMessageRoutes(inbox: MessageInbox) {
  return async (fastify: FastifyInstance): Promise<void> => {
    const streams = new MessageStreams(inbox);
    fastify.addHook('preClose', async () => {
      streams.closeAll();
    });
    fastify.get('/messages', async ({ query }) => inbox.listMessages(parseAddress(query)));
    fastify.get('/messages/stream', async (request, reply) => {
      if (!streams.hasCapacity)
        return reply.code(503).send({ error: 'There are too many streams already' });
      streams.openStream(request, reply, parseAddress(request.query));
      return reply;
    });
    fastify.delete('/messages', async (_request, reply) => {
      inbox.clearMessages();
      return reply.code(204).send();
    });
  };
}

/** All phones, where none is named. @throws InvalidInput for two. */
function parseAddress(query: unknown): string | undefined {
  return validateInput(addressQuerySchema, query).to;
}
