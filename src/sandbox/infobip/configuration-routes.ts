import type { FastifyInstance, FastifyReply } from 'fastify';
import type { FaultInjector } from '../faults/fault-injector.js';
import { createCallHandler } from '../faults/call-handler.js';
import { validateInput } from '../validate-input.js';
import { applicationSchema, applicationUpdateSchema } from './infobip-application.js';
import type { ApplicationStore } from './application-store.js';
import { authenticateInfobip } from './infobip-auth.js';
import { createInfobipError } from './refusal.js';
import {
  emailTemplateSchema,
  emailTemplateUpdateSchema,
  textTemplateSchema,
  textTemplateUpdateSchema,
  type MessageTemplate,
} from './message-template.js';

interface ApplicationRoute {
  Params: { applicationId: string };
}

interface TemplateRoute {
  Params: { applicationId: string; messageId: string };
}

interface ConfigurationDependencies {
  readonly applications: ApplicationStore;
  readonly faults: FaultInjector;
  readonly apiKey: string | undefined;
}

const APPLICATION = '/applications/:applicationId';
const MESSAGES = `${APPLICATION}/messages`;
const EMAIL_MESSAGES = `${APPLICATION}/email/messages`;

/** Applications and message templates over HTTP. */
export function createConfigurationRoutes({
  applications: catalogue,
  faults,
  apiKey,
}: ConfigurationDependencies) {
  const handleCall = createCallHandler('infobip', faults, createInfobipError);
  const answer = (reply: FastifyReply, work: () => object) =>
    handleCall(reply, 'configuration', '', work);

  return async (fastify: FastifyInstance): Promise<void> => {
    fastify.addHook('onRequest', async ({ headers }) => {
      authenticateInfobip(headers.authorization, '2fa:manage', apiKey);
    });
    fastify.get('/2fa/2/applications', (_request, reply) =>
      answer(reply, () => catalogue.listApplications()),
    );
    fastify.get<ApplicationRoute>(`/2fa/2${APPLICATION}`, ({ params }, reply) =>
      answer(reply, () => catalogue.application(params.applicationId)),
    );
    fastify.put<ApplicationRoute>(`/2fa/2${APPLICATION}`, ({ params, body }, reply) =>
      answer(reply, () =>
        catalogue.updateApplication(
          params.applicationId,
          validateInput(applicationUpdateSchema, body),
        ),
      ),
    );
    fastify.get<ApplicationRoute>(`/2fa/2${MESSAGES}`, ({ params }, reply) =>
      answer(reply, () => catalogue.listTemplates(params.applicationId)),
    );
    fastify.get<TemplateRoute>(`/2fa/2${MESSAGES}/:messageId`, ({ params }, reply) =>
      answer(reply, () => catalogue.template(params.applicationId, params.messageId)),
    );
    fastify.put<TemplateRoute>(`/2fa/2${MESSAGES}/:messageId`, ({ params, body }, reply) =>
      answer(reply, () =>
        toTemplateResponse(
          catalogue.updateTemplate('text', params, validateInput(textTemplateUpdateSchema, body)),
        ),
      ),
    );
    fastify.post<ApplicationRoute>(`/2fa/2${EMAIL_MESSAGES}`, ({ params, body }, reply) =>
      answer(reply, () =>
        toTemplateResponse(
          catalogue.createTemplate(params.applicationId, validateInput(emailTemplateSchema, body)),
        ),
      ),
    );
    fastify.put<TemplateRoute>(`/2fa/2${EMAIL_MESSAGES}/:messageId`, ({ params, body }, reply) =>
      answer(reply, () =>
        toTemplateResponse(
          catalogue.updateTemplate('email', params, validateInput(emailTemplateUpdateSchema, body)),
        ),
      ),
    );
    // An older page of the vendor's has the create calls below /2fa/1.
    for (const version of ['/2fa/2', '/2fa/1']) {
      fastify.post(`${version}/applications`, ({ body }, reply) =>
        answer(reply, () => {
          const application = catalogue.createApplication(validateInput(applicationSchema, body));
          void reply.code(201);
          return application;
        }),
      );
      fastify.post<ApplicationRoute>(`${version}${MESSAGES}`, ({ params, body }, reply) =>
        answer(reply, () =>
          toTemplateResponse(
            catalogue.createTemplate(params.applicationId, validateInput(textTemplateSchema, body)),
          ),
        ),
      );
    }
  };
}

/** Create and update show the placeholder; list and read do not. */
const toTemplateResponse = (template: MessageTemplate) => ({
  ...template,
  pinPlaceholder: '{{pin}}',
});
