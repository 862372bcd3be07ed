import type { FastifyInstance } from 'fastify';
import { createCallHandler } from '../faults/call-handler.js';
import type { FaultInjector } from '../faults/fault-injector.js';
import { validateInput } from '../validate-input.js';
import { authenticateInfobip } from './infobip-auth.js';
import { resendSchemas, sendSchemas, verifySchema } from './pin-requests.js';
import { createInfobipError } from './refusal.js';
import type { PinService } from './pin-service.js';
import { listVerifications, statusQuerySchema } from './verification-status.js';

interface PinRoute {
  Params: { pinId: string };
}

interface PinRouteDependencies {
  readonly pinService: PinService;
  readonly faults: FaultInjector;
  readonly apiKey: string | undefined;
}

const CHANNELS = [
  ['sms', ''],
  ['voice', '/voice'],
  ['email', '/email'],
] as const;

/** PINs over HTTP: send, resend, verify, and what became of them. */
export function createPinRoutes({ pinService: twoFactor, faults, apiKey }: PinRouteDependencies) {
  const handleCall = createCallHandler('infobip', faults, createInfobipError);
  const findAddress = (pinId: string) => twoFactor.findAddress(pinId) ?? '';

  return async (fastify: FastifyInstance): Promise<void> => {
    fastify.addHook('onRequest', async ({ headers }) => {
      authenticateInfobip(headers.authorization, '2fa:pin:send', apiKey);
    });
    for (const [channel, suffix] of CHANNELS) {
      for (const path of [`/2fa/2/pin${suffix}`, `/2fa/1/pin${suffix}`]) {
        fastify.post<{ Querystring: { ncNeeded?: unknown } }>(path, ({ query, body }, reply) =>
          handleCall(reply, 'send', findRecipient(body), (effect) => {
            // Whatever cannot be read as a boolean is as good as nothing.
            const lookup = query.ncNeeded !== 'false';
            return twoFactor.sendPin(channel, validateInput(sendSchemas[channel], body), {
              lookup,
              outcome: effect,
            });
          }),
        );
      }
      fastify.post<PinRoute>(`/2fa/2/pin/:pinId/resend${suffix}`, ({ params, body }, reply) =>
        handleCall(reply, 'resend', findAddress(params.pinId), (effect) => {
          const request = validateInput(resendSchemas[channel], body ?? {});
          return twoFactor.resendPin(channel, params.pinId, request, effect);
        }),
      );
    }
    fastify.post<PinRoute>('/2fa/2/pin/:pinId/verify', ({ params, body }, reply) =>
      handleCall(reply, 'verify', findAddress(params.pinId), (effect) =>
        twoFactor.verifyPin(params.pinId, validateInput(verifySchema, body).pin, effect),
      ),
    );
    fastify.get<{ Params: { applicationId: string } }>(
      '/2fa/2/applications/:applicationId/verifications',
      ({ params, query }, reply) =>
        handleCall(reply, 'status', '', () =>
          listVerifications(
            twoFactor,
            params.applicationId,
            validateInput(statusQuerySchema, query),
          ),
        ),
    );
  };
}

/** The address that a body names, before anything is known to be right about it. */
function findRecipient(body: unknown): string {
  const to = typeof body === 'object' && body !== null && 'to' in body ? body.to : undefined;
  return typeof to === 'string' ? to : '';
}
