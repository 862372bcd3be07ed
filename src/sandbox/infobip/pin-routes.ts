import type { FastifyInstance } from 'fastify';
import { createCallHandler } from '../faults/call-handler.js';
import type { FaultInjector } from '../faults/fault-injector.js';
import { validateInput } from '../validate-input.js';
import { admit } from './credentials.js';
import { resendSchemas, sendSchemas, verifySchema } from './pin-request.js';
import { refusal } from './refusal.js';
import type { TwoFactor } from './two-factor.js';
import { statusOf, statusQuerySchema } from './verification-status.js';

interface OfPin {
  Params: { pinId: string };
}

interface Options {
  readonly twoFactor: TwoFactor;
  readonly faults: FaultInjector;
  readonly apiKey: string | undefined;
}

const CHANNELS = [
  ['sms', ''],
  ['voice', '/voice'],
  ['email', '/email'],
] as const;

/** PINs over HTTP: send, resend, verify, and what became of them. */
export function pinRoutes({ twoFactor, faults, apiKey }: Options) {
  const answer = createCallHandler('infobip', faults, refusal);
  const addressOf = (pinId: string) => twoFactor.addressOf(pinId) ?? '';

  return async (fastify: FastifyInstance): Promise<void> => {
    fastify.addHook('onRequest', async ({ headers }) => {
      admit(headers.authorization, '2fa:pin:send', apiKey);
    });
    for (const [channel, suffix] of CHANNELS) {
      for (const path of [`/2fa/2/pin${suffix}`, `/2fa/1/pin${suffix}`]) {
        fastify.post<{ Querystring: { ncNeeded?: unknown } }>(path, ({ query, body }, reply) =>
          answer(reply, 'send', recipientIn(body), (effect) => {
            // Whatever cannot be read as a boolean is as good as nothing.
            const lookup = query.ncNeeded !== 'false';
            return twoFactor.send(channel, validateInput(sendSchemas[channel], body), {
              lookup,
              effect,
            });
          }),
        );
      }
      fastify.post<OfPin>(`/2fa/2/pin/:pinId/resend${suffix}`, ({ params, body }, reply) =>
        answer(reply, 'resend', addressOf(params.pinId), (effect) => {
          const request = validateInput(resendSchemas[channel], body ?? {});
          return twoFactor.resend(channel, params.pinId, request, effect);
        }),
      );
    }
    fastify.post<OfPin>('/2fa/2/pin/:pinId/verify', ({ params, body }, reply) =>
      answer(reply, 'verify', addressOf(params.pinId), (effect) =>
        twoFactor.verify(params.pinId, validateInput(verifySchema, body).pin, effect),
      ),
    );
    fastify.get<{ Params: { applicationId: string } }>(
      '/2fa/2/applications/:applicationId/verifications',
      ({ params, query }, reply) =>
        answer(reply, 'status', '', () =>
          statusOf(twoFactor, params.applicationId, validateInput(statusQuerySchema, query)),
        ),
    );
  };
}

/** The address that a body names, before anything is known to be right about it. */
function recipientIn(body: unknown): string {
  const to = typeof body === 'object' && body !== null && 'to' in body ? body.to : undefined;
  return typeof to === 'string' ? to : '';
}
