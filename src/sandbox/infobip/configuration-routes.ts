import type { FastifyInstance, FastifyReply } from 'fastify';
import type { FaultInjector } from '../faults/fault-injector.js';
import { createCallHandler } from '../faults/call-handler.js';
import { validateInput } from '../validate-input.js';
import { applicationSchema, applicationUpdateSchema } from './application.js';
import type { Catalogue } from './catalogue.js';
import { admit } from './credentials.js';
import { refusal } from './refusal.js';
import {
  emailTemplateSchema,
  emailTemplateUpdateSchema,
  textTemplateSchema,
  textTemplateUpdateSchema,
  type Template,
} from './template.js';

interface OfApplication {
  Params: { applicationId: string };
}

interface OfTemplate {
  Params: { applicationId: string; messageId: string };
}

interface Options {
  readonly catalogue: Catalogue;
  readonly faults: FaultInjector;
  readonly apiKey: string | undefined;
}

const APPLICATION = '/applications/:applicationId';
const MESSAGES = `${APPLICATION}/messages`;
const EMAIL_MESSAGES = `${APPLICATION}/email/messages`;

/** Applications and message templates over HTTP. */
export function configurationRoutes({ catalogue, faults, apiKey }: Options) {
  const handleCall = createCallHandler('infobip', faults, refusal);
  const answer = (reply: FastifyReply, work: () => object) =>
    handleCall(reply, 'configuration', '', work);

  return async (fastify: FastifyInstance): Promise<void> => {
    fastify.addHook('onRequest', async ({ headers }) => {
      admit(headers.authorization, '2fa:manage', apiKey);
    });
    fastify.get('/2fa/2/applications', (_request, reply) =>
      answer(reply, () => catalogue.listApplications()),
    );
    fastify.get<OfApplication>(`/2fa/2${APPLICATION}`, ({ params }, reply) =>
      answer(reply, () => catalogue.application(params.applicationId)),
    );
    fastify.put<OfApplication>(`/2fa/2${APPLICATION}`, ({ params, body }, reply) =>
      answer(reply, () =>
        catalogue.updateApplication(
          params.applicationId,
          validateInput(applicationUpdateSchema, body),
        ),
      ),
    );
    fastify.get<OfApplication>(`/2fa/2${MESSAGES}`, ({ params }, reply) =>
      answer(reply, () => catalogue.listTemplates(params.applicationId)),
    );
    fastify.get<OfTemplate>(`/2fa/2${MESSAGES}/:messageId`, ({ params }, reply) =>
      answer(reply, () => catalogue.template(params.applicationId, params.messageId)),
    );
    fastify.put<OfTemplate>(`/2fa/2${MESSAGES}/:messageId`, ({ params, body }, reply) =>
      answer(reply, () =>
        shown(
          catalogue.updateTemplate('text', params, validateInput(textTemplateUpdateSchema, body)),
        ),
      ),
    );
    fastify.post<OfApplication>(`/2fa/2${EMAIL_MESSAGES}`, ({ params, body }, reply) =>
      answer(reply, () =>
        shown(
          catalogue.createTemplate(params.applicationId, validateInput(emailTemplateSchema, body)),
        ),
      ),
    );
    fastify.put<OfTemplate>(`/2fa/2${EMAIL_MESSAGES}/:messageId`, ({ params, body }, reply) =>
      answer(reply, () =>
        shown(
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
      fastify.post<OfApplication>(`${version}${MESSAGES}`, ({ params, body }, reply) =>
        answer(reply, () =>
          shown(
            catalogue.createTemplate(params.applicationId, validateInput(textTemplateSchema, body)),
          ),
        ),
      );
    }
  };
}

/** Create and update show the placeholder; list and read do not. */
const shown = (template: Template) => ({ ...template, pinPlaceholder: '{{pin}}' });
