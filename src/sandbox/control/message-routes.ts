import type { FastifyInstance } from 'fastify';
import type { MessageInbox } from '../message-inbox.js';
import { validateInput } from '../validate-input.js';
import { addressQuerySchema } from './control-schemas.js';
import { MessageStreams } from './message-stream.js';

/** What the phones received. */
export function messageRoutes(phone: MessageInbox) {
  return async (fastify: FastifyInstance): Promise<void> => {
    const streams = new MessageStreams(phone);
    fastify.addHook('preClose', async () => {
      streams.close();
    });
    fastify.get('/messages', async ({ query }) => phone.listMessages(addressIn(query)));
    fastify.get('/messages/stream', async (request, reply) => {
      if (!streams.hasRoom)
        return reply.code(503).send({ error: 'There are too many streams already' });
      streams.start(request, reply, addressIn(request.query));
      return reply;
    });
    fastify.delete('/messages', async (_request, reply) => {
      phone.clearMessages();
      return reply.code(204).send();
    });
  };
}

/** All phones, where none is named. @throws InvalidInput for two. */
function addressIn(query: unknown): string | undefined {
  return validateInput(addressQuerySchema, query).to;
}
