import type { FastifyInstance } from 'fastify';
import { createOperationHandler } from '../faults/operation-handler.js';
import type { FaultInjector } from '../faults/fault-injector.js';
import { validateInput } from '../validate-input.js';
import { authenticateInfobip } from './infobip-auth.js';
import { createInfobipError } from './infobip-error-handler.js';
import { resendSchemas, sendSchemas, verifySchema } from './pin-requests.js';
import type { PinService } from './pin-service.js';
import { listVerifications, statusQuerySchema } from './verification-status.js';

interface PinRouteTypes {
  Params: { pinId: string };
}

interface PinRouteDependencies {
  readonly pinService: PinService;
  readonly faults: FaultInjector;
  /** The only valid API key; `undefined` if every key is valid. */
  readonly apiKey: string | undefined;
  /** The time by the sandbox's clock, in milliseconds since the epoch. */
  readonly now: () => number;
}

/** The channels, with the suffix of their paths. */
const CHANNELS = [
  ['sms', ''],
  ['voice', '/voice'],
  ['email', '/email'],
] as const;

/** Infobip's routes for PINs: send, resend, verify, and the verification status. */
export function createPinRoutes({ pinService, faults, apiKey, now }: PinRouteDependencies) {
  const handleOperation = createOperationHandler('infobip', faults, createInfobipError);

  return async (fastify: FastifyInstance): Promise<void> => {
    fastify.addHook('onRequest', async ({ headers }) => {
      authenticateInfobip(headers.authorization, '2fa:pin:send', apiKey);
    });
    for (const [channel, suffix] of CHANNELS) {
      for (const path of [`/2fa/2/pin${suffix}`, `/2fa/1/pin${suffix}`]) {
        fastify.post<{ Querystring: { ncNeeded?: unknown } }>(path, ({ query, body }, reply) =>
          handleOperation(
            reply,
            { operation: 'send', to: getRecipient(body, 'to') },
            (forcedOutcome) => {
              // `ncNeeded` asks for the number lookup. Infobip's SDK sends the text `undefined` for an
              // option that is not set.
              const withNumberLookup = query.ncNeeded !== 'false';
              const request = validateInput(sendSchemas[channel], body);
              return pinService.sendPin(channel, request, { withNumberLookup, forcedOutcome });
            },
          ),
        );
      }
      fastify.post<PinRouteTypes>(
        `/2fa/2/pin/:pinId/resend${suffix}`,
        ({ params, body }, reply) => {
          const to = pinService.findRecipient(params.pinId);
          return handleOperation(reply, { operation: 'resend', to }, (forcedOutcome) => {
            const request = validateInput(resendSchemas[channel], body ?? {});
            return pinService.resendPin(channel, params.pinId, request, forcedOutcome);
          });
        },
      );
    }
    fastify.post<PinRouteTypes>('/2fa/2/pin/:pinId/verify', ({ params, body }, reply) => {
      const to = pinService.findRecipient(params.pinId);
      return handleOperation(reply, { operation: 'verify', to }, (forcedOutcome) => {
        const { pin } = validateInput(verifySchema, body);
        return pinService.verifyPin(params.pinId, pin, forcedOutcome);
      });
    });
    fastify.get<{ Params: { applicationId: string } }>(
      '/2fa/2/applications/:applicationId/verifications',
      ({ params, query }, reply) => {
        const to = getRecipient(query, 'msisdn');
        return handleOperation(reply, { operation: 'status', to }, () => {
          const filters = validateInput(statusQuerySchema, query);
          // Also by the sandbox's clock, because clients compare it with the times in the response.
          void reply.header('date', new Date(now()).toUTCString());
          return listVerifications(pinService, params.applicationId, filters);
        });
      },
    );
  };
}

/** Reads the recipient before the input is validated, because faults apply to invalid requests too. */
function getRecipient(input: unknown, field: 'to' | 'msisdn'): string {
  const recipient = ((input ?? {}) as Record<string, unknown>)[field];
  return typeof recipient === 'string' ? recipient : '';
}
