import type { FastifyInstance } from 'fastify';
import { ApiError } from './api-error.js';
import {
  applicationSchema,
  pinRequestSchema,
  read,
  templateSchema,
  verifySchema,
} from './schemas.js';
import type { TwoFactor } from './two-factor.js';

const APPLICATIONS = '/2fa/2/applications';
const MESSAGES = `${APPLICATIONS}/:applicationId/messages`;

/** The four forms that Infobip takes; any credential is good here. */
const CREDENTIALS = /^(App|Basic|IBSSO|Bearer) \S/i;

interface Ids {
  applicationId: string;
  messageId: string;
}

interface Pin {
  pinId: string;
}

const CHANNELS = [
  ['sms', ''],
  ['voice', '/voice'],
] as const;

/** Infobip 2FA over HTTP. */
export function infobipRoutes(twoFactor: TwoFactor) {
  return async (fastify: FastifyInstance): Promise<void> => {
    fastify.addHook('onRequest', async ({ headers }) => {
      if (!CREDENTIALS.test(headers.authorization ?? '')) throw new ApiError(401);
    });

    fastify.get(APPLICATIONS, async () => twoFactor.listApplications());
    fastify.post(APPLICATIONS, async ({ body }, reply) => {
      void reply.code(201);
      return twoFactor.saveApplication(read(applicationSchema, body));
    });
    fastify.get<{ Params: Ids }>(`${APPLICATIONS}/:applicationId`, async ({ params }) =>
      twoFactor.application(params.applicationId),
    );

    fastify.get<{ Params: Ids }>(MESSAGES, async ({ params }) =>
      twoFactor.listTemplates(params.applicationId),
    );
    fastify.post<{ Params: Ids }>(MESSAGES, async ({ params, body }) => ({
      ...twoFactor.saveTemplate(params.applicationId, read(templateSchema, body)),
      pinPlaceholder: '{{pin}}',
    }));
    fastify.get<{ Params: Ids }>(`${MESSAGES}/:messageId`, async ({ params }) =>
      twoFactor.template(params.applicationId, params.messageId),
    );

    for (const [channel, suffix] of CHANNELS) {
      fastify.post(`/2fa/2/pin${suffix}`, async ({ body }) =>
        twoFactor.send(channel, read(pinRequestSchema, body)),
      );
      fastify.post<{ Params: Pin }>(`/2fa/2/pin/:pinId/resend${suffix}`, async ({ params }) =>
        twoFactor.resend(channel, params.pinId),
      );
    }
    fastify.post<{ Params: Pin }>('/2fa/2/pin/:pinId/verify', async ({ params, body }) =>
      twoFactor.verify(params.pinId, read(verifySchema, body).pin),
    );
  };
}
