import type { FastifyInstance, FastifyReply } from 'fastify';
import { createOperationHandler } from '../faults/operation-handler.js';
import type { FaultInjector } from '../faults/fault-injector.js';
import { validateInput } from '../validate-input.js';
import type { ApplicationStore } from './application-store.js';
import { applicationSchema, applicationUpdateSchema } from './infobip-application.js';
import { authenticateInfobip } from './infobip-auth.js';
import { createInfobipError } from './infobip-error-handler.js';
import {
  emailTemplateSchema,
  emailTemplateUpdateSchema,
  textTemplateSchema,
  textTemplateUpdateSchema,
  type MessageTemplate,
} from './message-template.js';

interface ApplicationRouteTypes {
  Params: { applicationId: string };
}

interface TemplateRouteTypes {
  Params: { applicationId: string; messageId: string };
}

interface ConfigurationRouteDependencies {
  readonly applications: ApplicationStore;
  readonly faults: FaultInjector;
  /** The only valid API key; `undefined` if every key is valid. */
  readonly apiKey: string | undefined;
}

// Infobip's paths call a message template a message.
const APPLICATION_PATH = '/applications/:applicationId';
const TEMPLATES_PATH = `${APPLICATION_PATH}/messages`;
const EMAIL_TEMPLATES_PATH = `${APPLICATION_PATH}/email/messages`;

/** Infobip's routes for applications and message templates. */
export function createConfigurationRoutes({
  applications,
  faults,
  apiKey,
}: ConfigurationRouteDependencies) {
  const handleOperation = createOperationHandler('infobip', faults, createInfobipError);
  const handleRequest = (reply: FastifyReply, perform: () => object) =>
    handleOperation(reply, { operation: 'configuration' }, perform);

  return async (fastify: FastifyInstance): Promise<void> => {
    fastify.addHook('onRequest', async ({ headers }) => {
      authenticateInfobip(headers.authorization, '2fa:manage', apiKey);
    });
    fastify.get('/2fa/2/applications', (_request, reply) =>
      handleRequest(reply, () => applications.listApplications()),
    );
    fastify.get<ApplicationRouteTypes>(`/2fa/2${APPLICATION_PATH}`, ({ params }, reply) =>
      handleRequest(reply, () => applications.getApplication(params.applicationId)),
    );
    fastify.put<ApplicationRouteTypes>(`/2fa/2${APPLICATION_PATH}`, ({ params, body }, reply) =>
      handleRequest(reply, () => {
        const update = validateInput(applicationUpdateSchema, body);
        return applications.updateApplication(params.applicationId, update);
      }),
    );
    fastify.get<ApplicationRouteTypes>(`/2fa/2${TEMPLATES_PATH}`, ({ params }, reply) =>
      handleRequest(reply, () => applications.listTemplates(params.applicationId)),
    );
    fastify.get<TemplateRouteTypes>(`/2fa/2${TEMPLATES_PATH}/:messageId`, ({ params }, reply) =>
      handleRequest(reply, () => applications.getTemplate(params.applicationId, params.messageId)),
    );
    fastify.put<TemplateRouteTypes>(
      `/2fa/2${TEMPLATES_PATH}/:messageId`,
      ({ params, body }, reply) =>
        handleRequest(reply, () => {
          const update = validateInput(textTemplateUpdateSchema, body);
          return toTemplateResponse(applications.updateTemplate('text', params, update));
        }),
    );
    fastify.post<ApplicationRouteTypes>(
      `/2fa/2${EMAIL_TEMPLATES_PATH}`,
      ({ params, body }, reply) =>
        handleRequest(reply, () => {
          const fields = validateInput(emailTemplateSchema, body);
          return toTemplateResponse(applications.createTemplate(params.applicationId, fields));
        }),
    );
    fastify.put<TemplateRouteTypes>(
      `/2fa/2${EMAIL_TEMPLATES_PATH}/:messageId`,
      ({ params, body }, reply) =>
        handleRequest(reply, () => {
          const update = validateInput(emailTemplateUpdateSchema, body);
          return toTemplateResponse(applications.updateTemplate('email', params, update));
        }),
    );
    // Infobip's older documentation has the create operations under /2fa/1.
    for (const version of ['/2fa/2', '/2fa/1']) {
      fastify.post(`${version}/applications`, ({ body }, reply) =>
        handleRequest(reply, () => {
          const application = applications.createApplication(
            validateInput(applicationSchema, body),
          );
          void reply.code(201);
          return application;
        }),
      );
      fastify.post<ApplicationRouteTypes>(
        `${version}${TEMPLATES_PATH}`,
        ({ params, body }, reply) =>
          handleRequest(reply, () => {
            const fields = validateInput(textTemplateSchema, body);
            return toTemplateResponse(applications.createTemplate(params.applicationId, fields));
          }),
      );
    }
  };
}

/** Only the create and update operations return the placeholder, as Infobip documents. */
const toTemplateResponse = (template: MessageTemplate) => ({
  ...template,
  pinPlaceholder: '{{pin}}',
});
