import type { FastifyInstance, FastifyRequest } from 'fastify';
import { normalizeAddress } from '../address.js';
import { createCallHandler } from '../faults/call-handler.js';
import type { FaultInjector } from '../faults/fault-injector.js';
import { validateInput } from '../validate-input.js';
import { buildStatusResponse, buildReportResponse, buildStartResponse } from './sinch-responses.js';
import { SinchError } from './sinch-error.js';
import { authenticateSinch, type SinchApplication } from './sinch-auth.js';
import { useSinchErrors, createSinchError } from './sinch-error-handler.js';
import { methodSchema, reportSchema, startSchema } from './sinch-requests.js';
import type { SinchService } from './sinch-service.js';

interface SinchDependencies {
  readonly service: SinchService;
  readonly faults: FaultInjector;
  readonly application: SinchApplication;
}

interface VerificationRoute {
  Params: { id: string };
}

interface PhoneNumberRoute {
  Params: { method: string; endpoint: string };
}

const API_PATH = '/verification/v1';

/** Sinch Verification over HTTP. */
export function createSinchRoutes(options: SinchDependencies) {
  return async (fastify: FastifyInstance): Promise<void> => {
    await fastify.register(
      async (version) => {
        useSinchErrors(version);
        keepRawBody(version);
        // A device brings no credentials; that the data come from its SIM card is the proof.
        version.get<VerificationRoute>('/data/:id', async ({ params }, reply) => {
          options.service.completeDataVerification(params.id);
          return reply.code(204).send();
        });
        await version.register(createVerificationRoutes(options), { prefix: '/verifications' });
      },
      { prefix: API_PATH },
    );
  };
}

function createVerificationRoutes({ service: api, faults, application }: SinchDependencies) {
  const handleCall = createCallHandler('sinch', faults, createSinchError);

  return async (fastify: FastifyInstance): Promise<void> => {
    // Once the body is there, because the signature covers it, and before anything is made of it.
    fastify.addHook('preValidation', async (request) => {
      const { method, raw, headers } = request;
      authenticateSinch(
        { method, url: raw.url ?? '', headers, body: getRawBody(request) },
        application,
        Date.now(),
      );
    });
    fastify.post('/', (request, reply) => {
      const body = parseJsonBody(request);
      return handleCall(reply, 'send', normalizeAddress(findEndpoint(body)), (effect) => {
        // What was wished for is not looked at: the sandbox speaks English.
        void reply.header('content-language', 'en-US');
        return buildStartResponse(
          api.startVerification(validateInput(startSchema, body), effect),
          getApiUrl(request),
        );
      });
    });
    fastify.put<VerificationRoute>('/id/:id', (request, reply) => {
      const { id } = request.params;
      return handleCall(reply, 'verify', normalizeAddress(api.findEndpoint(id) ?? ''), (effect) =>
        buildReportResponse(
          api.reportById(id, validateInput(reportSchema, parseJsonBody(request)), effect),
        ),
      );
    });
    fastify.put<PhoneNumberRoute>('/number/:endpoint', (request, reply) => {
      const { endpoint } = request.params;
      return handleCall(reply, 'verify', normalizeAddress(endpoint), (effect) =>
        buildReportResponse(
          api.reportByNumber(endpoint, validateInput(reportSchema, parseJsonBody(request)), effect),
        ),
      );
    });
    fastify.get<VerificationRoute>('/id/:id', ({ params }, reply) =>
      handleCall(reply, 'status', '', () => buildStatusResponse(api.getById(params.id))),
    );
    fastify.get<VerificationRoute>('/reference/:id', ({ params }, reply) =>
      handleCall(reply, 'status', '', () => buildStatusResponse(api.getByReference(params.id))),
    );
    fastify.get<PhoneNumberRoute>('/:method/number/:endpoint', ({ params }, reply) =>
      handleCall(reply, 'status', '', () =>
        buildStatusResponse(
          api.getByNumber(validateInput(methodSchema, params.method), params.endpoint),
        ),
      ),
    );
  };
}

/** As it came over the wire: the signature covers it to the byte. */
function keepRawBody(version: FastifyInstance): void {
  version.removeAllContentTypeParsers();
  version.addContentTypeParser(
    'application/json',
    { parseAs: 'string' },
    async (_request: FastifyRequest, body: string) => body,
  );
}

const getRawBody = ({ body }: FastifyRequest): string => (typeof body === 'string' ? body : '');

/** @throws SinchError 40003 */
function parseJsonBody(request: FastifyRequest): unknown {
  try {
    return JSON.parse(getRawBody(request));
  } catch {
    throw new SinchError(40003);
  }
}

/** The number that a start names, before anything is known to be right about it. */
function findEndpoint(body: unknown): string {
  const { identity } = (body ?? {}) as { identity?: { endpoint?: unknown } | null };
  return typeof identity?.endpoint === 'string' ? identity.endpoint : '';
}

const getApiUrl = ({ protocol, host }: FastifyRequest): string =>
  `${protocol}://${host}${API_PATH}`;
