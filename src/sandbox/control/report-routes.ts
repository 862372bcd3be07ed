import type { FastifyInstance } from 'fastify';
import type { ReportPlanner } from '../reports/report-planner.js';
import type { ReportQueue } from '../reports/report-queue.js';
import { validateInput } from '../validate-input.js';
import { reportDeliverySchema, recipientQuerySchema, reportSchema } from './control-schemas.js';

/** The routes that list, send and delete delivery reports and callbacks. They need no API key. */
export function createReportRoutes(queue: ReportQueue, planner: ReportPlanner) {
  return async (fastify: FastifyInstance): Promise<void> => {
    fastify.get('/reports', async ({ query }) =>
      queue.listReports(validateInput(recipientQuerySchema, query).to),
    );
    fastify.post('/reports', async ({ body }, reply) => {
      const { messageId, ...outcome } = validateInput(reportSchema, body, { unknown: 'reject' });
      const responses = await planner.sendReport(messageId, outcome);
      if (responses) return { responses };
      return reply.code(404).send({ error: 'No message has this id. Was its delivery tracked?' });
    });
    fastify.post('/reports/deliver', async ({ body }) => {
      const { all } = validateInput(reportDeliverySchema, body ?? {}, { unknown: 'reject' });
      await queue.sendWaiting(all ? 'all' : 'due');
      return queue.listReports();
    });
    fastify.delete('/reports', async (_request, reply) => {
      queue.clear();
      return reply.code(204).send();
    });
  };
}
