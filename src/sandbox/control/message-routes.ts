import type { FastifyInstance } from 'fastify';
import type { MessageInbox } from '../message-inbox.js';
import { validateInput } from '../validate-input.js';
import { addressQuerySchema } from './control-schemas.js';
import { MessageStreams } from './message-streams.js';

/** The routes that list, stream and delete the delivered messages. */
export function createMessageRoutes(inbox: MessageInbox) {
  return async (fastify: FastifyInstance): Promise<void> => {
    const streams = new MessageStreams(inbox);
    fastify.addHook('preClose', async () => {
      streams.closeAll();
    });
    fastify.get('/messages', async ({ query }) => inbox.listMessages(parseAddress(query)));
    fastify.get('/messages/stream', async (request, reply) => {
      if (!streams.hasCapacity)
        return reply.code(503).send({ error: 'Too many open streams. Close one and retry.' });
      streams.openStream(request, reply, parseAddress(request.query));
      return reply;
    });
    fastify.delete('/messages', async (_request, reply) => {
      inbox.clearMessages();
      return reply.code(204).send();
    });
  };
}

/** @returns `undefined` for all addresses. @throws ValidationError for more than one `to`. */
function parseAddress(query: unknown): string | undefined {
  return validateInput(addressQuerySchema, query).to;
}
