import type { FastifyInstance, FastifyRequest } from 'fastify';
import { normalizeRecipient } from '../recipient.js';
import { createOperationHandler } from '../faults/operation-handler.js';
import type { FaultInjector } from '../faults/fault-injector.js';
import { validateInput } from '../validate-input.js';
import { authenticateSinch } from './sinch-auth.js';
import { createSinchError, useSinchErrors } from './sinch-error-handler.js';
import { SinchError } from './sinch-error.js';
import { chooseLanguage } from './sinch-languages.js';
import { methodSchema, reportSchema, startSchema } from './sinch-requests.js';
import { buildReportResponse, buildStartResponse, buildStatusResponse } from './sinch-responses.js';
import type { SinchVerificationService } from './sinch-verification-service.js';

interface SinchRouteDependencies {
  readonly sinchVerifications: SinchVerificationService;
  readonly faults: FaultInjector;
}

interface VerificationRouteTypes {
  Params: { id: string };
}

interface MethodAndNumberRouteTypes {
  Params: { method: string; number: string };
}

const API_PATH = '/verification/v1';

/** The routes of the Sinch Verification API. */
export function createSinchRoutes(deps: SinchRouteDependencies) {
  return async (fastify: FastifyInstance): Promise<void> => {
    await fastify.register(
      async (api) => {
        useSinchErrors(api);
        keepRawBody(api);
        // Seamless verification: the phone opens this URL over mobile data, so the SIM card is the
        // proof. The phone does not authenticate.
        api.get<VerificationRouteTypes>('/data/:id', async ({ params }, reply) => {
          deps.sinchVerifications.completeSeamlessVerification(params.id);
          return reply.code(204).send();
        });
        await api.register(createVerificationRoutes(deps), { prefix: '/verifications' });
      },
      { prefix: API_PATH },
    );
  };
}

function createVerificationRoutes({ sinchVerifications, faults }: SinchRouteDependencies) {
  const handleOperation = createOperationHandler('sinch', faults, createSinchError);

  return async (fastify: FastifyInstance): Promise<void> => {
    // The signature covers the body, so authentication has to wait for it.
    fastify.addHook('preValidation', async (request) => {
      const { method, raw, headers } = request;
      authenticateSinch({ method, url: raw.url ?? '', headers, body: getRawBody(request) });
    });
    fastify.post('/', (request, reply) => {
      const body = parseJsonBody(request);
      const to = normalizeRecipient(getNumber(body));
      return handleOperation(reply, { operation: 'send', to }, async (forcedOutcome) => {
        const start = validateInput(startSchema, body);
        const language = chooseLanguage(request.headers['accept-language']);
        const verification = await sinchVerifications.startVerification(
          start,
          language,
          forcedOutcome,
        );
        void reply.header('content-language', verification.language.tag);
        return buildStartResponse(verification, getApiUrl(request));
      });
    });
    fastify.put<VerificationRouteTypes>('/id/:id', (request, reply) => {
      const { id } = request.params;
      const to = normalizeRecipient(sinchVerifications.findNumber(id) ?? '');
      return handleOperation(reply, { operation: 'verify', to }, (forcedOutcome) => {
        const report = validateInput(reportSchema, parseJsonBody(request));
        return buildReportResponse(sinchVerifications.reportById(id, report, forcedOutcome));
      });
    });
    fastify.put<{ Params: { number: string } }>('/number/:number', (request, reply) => {
      const { number } = request.params;
      const to = normalizeRecipient(number);
      return handleOperation(reply, { operation: 'verify', to }, (forcedOutcome) => {
        const report = validateInput(reportSchema, parseJsonBody(request));
        return buildReportResponse(
          sinchVerifications.reportByNumber(number, report, forcedOutcome),
        );
      });
    });
    fastify.get<VerificationRouteTypes>('/id/:id', ({ params }, reply) => {
      const to = normalizeRecipient(sinchVerifications.findNumber(params.id) ?? '');
      return handleOperation(reply, { operation: 'status', to }, () =>
        buildStatusResponse(sinchVerifications.getById(params.id)),
      );
    });
    fastify.get<VerificationRouteTypes>('/reference/:id', ({ params }, reply) => {
      const to = normalizeRecipient(sinchVerifications.findNumberByReference(params.id) ?? '');
      return handleOperation(reply, { operation: 'status', to }, () =>
        buildStatusResponse(sinchVerifications.getByReference(params.id)),
      );
    });
    fastify.get<MethodAndNumberRouteTypes>('/:method/number/:number', ({ params }, reply) => {
      const to = normalizeRecipient(params.number);
      return handleOperation(reply, { operation: 'status', to }, () => {
        const method = validateInput(methodSchema, params.method);
        return buildStatusResponse(sinchVerifications.getByNumber(method, params.number));
      });
    });
  };
}

/** Keeps the body as text, because the signature covers its exact bytes. */
function keepRawBody(api: FastifyInstance): void {
  api.removeAllContentTypeParsers();
  api.addContentTypeParser(
    'application/json',
    { parseAs: 'string' },
    async (_request: FastifyRequest, body: string) => body,
  );
}

const getRawBody = ({ body }: FastifyRequest): string => (typeof body === 'string' ? body : '');

/** @throws SinchError 40003 if the body is not JSON */
function parseJsonBody(request: FastifyRequest): unknown {
  try {
    return JSON.parse(getRawBody(request));
  } catch {
    throw new SinchError(40003);
  }
}

/** Reads the phone number before the body is validated, because faults apply to invalid requests too. */
function getNumber(body: unknown): string {
  const { identity } = (body ?? {}) as { identity?: { endpoint?: unknown } | null };
  return typeof identity?.endpoint === 'string' ? identity.endpoint : '';
}

const getApiUrl = ({ protocol, host }: FastifyRequest): string =>
  `${protocol}://${host}${API_PATH}`;
