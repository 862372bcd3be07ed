import type { INestApplication } from '@nestjs/common';
import type { OpenAPIObject, OperationObject } from '@nestjs/swagger';
import { VERSION } from '../common/version.js';
import { METRICS_PATH } from '../observability/metrics-server.js';
import { EXAMPLE_COMPONENTS } from './problem-example.js';
import { createProblemResponses } from './problem.schema.js';
import { HEADER_COMPONENTS, getResponseHeaders } from './response-headers.js';
import { loadSwagger } from './swagger.js';

const DESCRIPTION = `
Sends one-time passwords to phones and checks them. Bodies are JSON, times ISO 8601 in UTC. A phone
number is in E.164 form, and responses mask it.

**Authentication.** Send \`Authorization: Bearer <API key>\` with every call, except to \`/health\` and
\`/.well-known/jwks.json\`. A client sees only its own verifications. Outside production the
service can run without keys, and then requires none.

**Idempotency.** Send, resend and verify take an \`Idempotency-Key\`. Within 24 hours a repeat of the
same request gets the same response, with \`Idempotency-Replayed: true\`: after a broken connection a
retry neither sends twice nor misses a \`verified: true\`. Final responses are stored; after any other
error, the same key can be used again.

**Errors** are problem documents (RFC 9457) of the type \`application/problem+json\`. Branch on
\`code\`. An unknown path returns 404 \`not_found\`; a method that a path does not support, 405
\`method_not_allowed\` with \`Allow\`; malformed HTTP 400 \`malformed_body\`, and a request that takes too
long to arrive 408 \`request_timeout\`. Without keys, a service that listens on a loopback address
answers other hosts than that in \`Host\` with 421 \`misdirected_request\`.

**Request ids.** Every response has the id of its request in the log as \`X-Request-Id\`. Send the
header to choose the id: 11 to 128 letters, digits, \`-\`, \`_\` and \`.\`, with at least one letter. An id
that contains an API key or the request's \`Idempotency-Key\` is replaced. So is one with nine digits in
a row, which could be a phone number, unless it is a UUID or has 16 or 32 hex digits. The id is passed
on to the provider. A \`traceparent\` (W3C) is logged, and is the parent of the service's own trace.

**Changes.** Responses may get new fields and enums new values: ignore what you do not know.
`.trim();

const INFO = {
  title: 'OTP service',
  summary:
    'One-time passwords by SMS, WhatsApp and call, with single-use codes and idempotent retries.',
  description: DESCRIPTION,
  license: { name: 'MIT', identifier: 'MIT' },
};

const METRICS_PROBLEMS = [
  ...createProblemResponses(['not_found'], { needsApiKey: true }),
  // The rate limit counts only requests without a valid key.
  ...createProblemResponses(['unauthenticated', 'too_many_requests', 'storage_unavailable'], {
    needsApiKey: true,
    isRateLimited: true,
  }),
];

/** Written by hand, because not every configuration has the controller of this route. */
const GET_METRICS: OperationObject = {
  operationId: 'getMetrics',
  tags: ['Health'],
  summary: 'Read the metrics',
  description:
    'In the Prometheus text format. Needs an API key of the client `METRICS_CLIENT`, unless the service has no keys or `METRICS_PUBLIC` is set. Every other client gets 404. With `METRICS_PORT` the metrics are on a separate port, and not on this path.',
  security: [{ apiKey: [] }, {}],
  responses: {
    200: {
      description: 'The metrics.',
      headers: getResponseHeaders(200, { needsApiKey: true }),
      content: { 'text/plain': { schema: { type: 'string', description: 'Lines of text.' } } },
    },
    ...Object.fromEntries(METRICS_PROBLEMS.map(({ status, ...rest }) => [status, rest])),
  },
};

/** The OpenAPI 3.1 document of the application, from the decorators of its controllers and DTOs. */
export async function buildApiDocument(app: INestApplication): Promise<OpenAPIObject> {
  const { DocumentBuilder, SwaggerModule } = await loadSwagger();
  const config = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .addServer('/', 'The service that serves this document.')
    .addTag('Verifications', 'Send a code to a phone, and check the code that the user types.')
    .addTag('Numbers', 'Look up or erase what is stored for you about a phone number.')
    .addTag(
      'Proofs',
      'The public keys that check proofs: signed statements that a number was verified.',
    )
    .addTag('Health', 'For probes, load balancers and operators.')
    .addSecurity('apiKey', {
      type: 'http',
      scheme: 'bearer',
      description: 'An API key of your client, as `npm run keys:new` prints it.',
    })
    .build();
  const document = SwaggerModule.createDocument(app, config, {
    operationIdFactory: (_controller, method) => method,
  });
  const paths = { ...document.paths, [METRICS_PATH]: { get: GET_METRICS } };
  return {
    ...document,
    info: { ...INFO, version: VERSION },
    paths,
    components: {
      ...document.components,
      headers: findUsed('headers', HEADER_COMPONENTS, paths),
      examples: findUsed('examples', EXAMPLE_COMPONENTS, paths),
    },
  };
}

/** The components of a kind that the paths refer to. */
function findUsed<T>(kind: string, components: Readonly<Record<string, T>>, paths: object) {
  const text = JSON.stringify(paths);
  const isUsed = (name: string) => text.includes(`"#/components/${kind}/${name}"`);
  return Object.fromEntries(Object.entries(components).filter(([name]) => isUsed(name)));
}
