import type { FastifyInstance, FastifyRequest } from 'fastify';
import { normalizeAddress } from '../address.js';
import { createCallHandler } from '../faults/call-handler.js';
import type { FaultInjector } from '../faults/fault-injector.js';
import { validateInput } from '../validate-input.js';
import { described, reported, started } from './answers.js';
import { SinchError } from './api-error.js';
import { admit, type Application } from './credentials.js';
import { answerAsSinch, refusal } from './error-answers.js';
import { methodSchema, reportSchema, startSchema } from './requests.js';
import type { VerificationApi } from './verification-api.js';

interface Options {
  readonly api: VerificationApi;
  readonly faults: FaultInjector;
  readonly application: Application;
}

interface ById {
  Params: { id: string };
}

interface ByNumber {
  Params: { method: string; endpoint: string };
}

const VERSION = '/verification/v1';

/** Sinch Verification over HTTP. */
export function sinchRoutes(options: Options) {
  return async (fastify: FastifyInstance): Promise<void> => {
    await fastify.register(
      async (version) => {
        answerAsSinch(version);
        takeBodiesAsText(version);
        // A device brings no credentials; that the data come from its SIM card is the proof.
        version.get<ById>('/data/:id', async ({ params }, reply) => {
          options.api.follow(params.id);
          return reply.code(204).send();
        });
        await version.register(verificationRoutes(options), { prefix: '/verifications' });
      },
      { prefix: VERSION },
    );
  };
}

function verificationRoutes({ api, faults, application }: Options) {
  const answer = createCallHandler('sinch', faults, refusal);

  return async (fastify: FastifyInstance): Promise<void> => {
    // Once the body is there, because the signature covers it, and before anything is made of it.
    fastify.addHook('preValidation', async (request) => {
      const { method, raw, headers } = request;
      admit(
        { method, url: raw.url ?? '', headers, body: textOf(request) },
        application,
        Date.now(),
      );
    });
    fastify.post('/', (request, reply) => {
      const body = jsonOf(request);
      return answer(reply, 'send', normalizeAddress(endpointIn(body)), (effect) => {
        // What was wished for is not looked at: the sandbox speaks English.
        void reply.header('content-language', 'en-US');
        return started(api.start(validateInput(startSchema, body), effect), urlOf(request));
      });
    });
    fastify.put<ById>('/id/:id', (request, reply) => {
      const { id } = request.params;
      return answer(reply, 'verify', normalizeAddress(api.endpointOf(id) ?? ''), (effect) =>
        reported(api.reportById(id, validateInput(reportSchema, jsonOf(request)), effect)),
      );
    });
    fastify.put<ByNumber>('/number/:endpoint', (request, reply) => {
      const { endpoint } = request.params;
      return answer(reply, 'verify', normalizeAddress(endpoint), (effect) =>
        reported(
          api.reportByNumber(endpoint, validateInput(reportSchema, jsonOf(request)), effect),
        ),
      );
    });
    fastify.get<ById>('/id/:id', ({ params }, reply) =>
      answer(reply, 'status', '', () => described(api.statusById(params.id))),
    );
    fastify.get<ById>('/reference/:id', ({ params }, reply) =>
      answer(reply, 'status', '', () => described(api.statusByReference(params.id))),
    );
    fastify.get<ByNumber>('/:method/number/:endpoint', ({ params }, reply) =>
      answer(reply, 'status', '', () =>
        described(api.statusByNumber(validateInput(methodSchema, params.method), params.endpoint)),
      ),
    );
  };
}

/** As it came over the wire: the signature covers it to the byte. */
function takeBodiesAsText(version: FastifyInstance): void {
  version.removeAllContentTypeParsers();
  version.addContentTypeParser(
    'application/json',
    { parseAs: 'string' },
    async (_request: FastifyRequest, body: string) => body,
  );
}

const textOf = ({ body }: FastifyRequest): string => (typeof body === 'string' ? body : '');

/** @throws SinchError 40003 */
function jsonOf(request: FastifyRequest): unknown {
  try {
    return JSON.parse(textOf(request));
  } catch {
    throw new SinchError(40003);
  }
}

/** The number that a start names, before anything is known to be right about it. */
function endpointIn(body: unknown): string {
  const { identity } = (body ?? {}) as { identity?: { endpoint?: unknown } | null };
  return typeof identity?.endpoint === 'string' ? identity.endpoint : '';
}

const urlOf = ({ protocol, host }: FastifyRequest): string => `${protocol}://${host}${VERSION}`;
