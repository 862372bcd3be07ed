import type { FastifyInstance } from 'fastify';
import type { FloodFilter } from '../infobip/flood-filter.js';
import type { MessageInbox } from '../message-inbox.js';
import { validateInput } from '../validate-input.js';
import { recipientQuerySchema, messageStreamQuerySchema } from './control-schemas.js';
import { MessageStreams } from './message-streams.js';

/**
 * The routes that list, stream and delete the delivered messages, and list those that the flood filter
 * rejected. They need no API key.
 */
export function createMessageRoutes(inbox: MessageInbox, floodFilter: FloodFilter | undefined) {
  return async (fastify: FastifyInstance): Promise<void> => {
    const streams = new MessageStreams(inbox);
    fastify.addHook('preClose', async () => {
      streams.closeAll();
    });
    fastify.get('/messages', async ({ query }) =>
      inbox.listMessages(validateInput(recipientQuerySchema, query).to),
    );
    fastify.get('/messages/stream', async (request, reply) => {
      if (!streams.hasCapacity)
        return reply.code(503).send({ error: 'Too many open streams. Close one and retry.' });
      streams.openStream(request, reply, validateInput(messageStreamQuerySchema, request.query));
      return reply;
    });
    fastify.get('/rejected-messages', async ({ query }) => {
      const { to } = validateInput(recipientQuerySchema, query);
      return floodFilter?.listRejected(to) ?? [];
    });
    fastify.delete('/messages', async (_request, reply) => {
      inbox.clearMessages();
      return reply.code(204).send();
    });
  };
}
