import type { FastifyInstance } from 'fastify';
import { validateInput } from '../validate-input.js';
import { authenticateInfobip } from './infobip-auth.js';
import { subscriptionSchema } from './subscription.js';
import type { SubscriptionStore } from './subscription-store.js';

const PATH = '/subscriptions/1/subscription/SMS';

/** Infobip's routes for the subscriptions to the events of SMS: create, list, delete. */
export function createSubscriptionRoutes(
  subscriptions: SubscriptionStore,
  apiKey: string | undefined,
) {
  return async (fastify: FastifyInstance): Promise<void> => {
    fastify.addHook('onRequest', async ({ headers }) => {
      authenticateInfobip(headers.authorization, 'subscriptions:manage', apiKey);
    });
    fastify.post(PATH, async ({ body }, reply) => {
      const subscription = validateInput(subscriptionSchema, body);
      subscriptions.addSubscription(subscription);
      return reply.code(201).send(subscription);
    });
    fastify.get(PATH, async () => ({ results: subscriptions.listSubscriptions() }));
    fastify.delete<{ Params: { subscriptionId: string } }>(
      `${PATH}/:subscriptionId`,
      async ({ params }, reply) => {
        subscriptions.deleteSubscription(params.subscriptionId);
        return reply.code(204).send();
      },
    );
  };
}
