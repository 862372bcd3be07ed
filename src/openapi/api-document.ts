import { readFileSync } from 'node:fs';
import type { Type } from '@nestjs/common';
import type { ApiDocument, PathItem, Schema } from './document.js';
import { TAGS, type Tag } from './described.decorator.js';
import { endpointsOf, type Endpoint } from './endpoint.js';
import { HEADERS } from './headers.js';
import { METRICS } from './metrics.endpoint.js';
import { operationOf } from './operation.js';
import { PROBLEM } from './problem-responses.js';
import type { NamedSchema } from './schema.js';

/** Beside the source folder, as beside that of a build. */
const PACKAGE = new URL('../../package.json', import.meta.url);

const DESCRIPTION = `
Sends one-time passwords to phones and checks them. Bodies are JSON, times ISO 8601 in UTC. A phone
number is in E.164 form, and comes back masked.

**Who calls.** Every call but those about health shows an API key: \`Authorization: Bearer <key>\`. A
client sees its own verifications only. Outside production a service may have no keys, and asks for
none.

**Once.** Send, resend and verify take an \`Idempotency-Key\`. Within 24 hours a repeat of the same
request hears the same answer, with \`Idempotency-Replayed: true\`: a caller whose connection broke
asks again and neither texts twice nor misses a \`verified: true\`. Final answers are kept; after a
refusal or a failure the same key may try again.

**Errors** are problem documents (RFC 9457) of the type \`application/problem+json\`. Branch on
\`code\`. A path that is not here is answered 404 \`not_found\`; a method that a path does not take, 405
\`method_not_allowed\` with \`Allow\`; what is no HTTP, or takes too long to arrive, 400 \`malformed_body\` or
408 \`request_timeout\`.

**In the log** a request has an id, which every answer says in \`X-Request-Id\`. Send one to have it be
yours: 11 to 128 letters, digits, \`-\`, \`_\` and \`.\`, with a letter among them. One that could be a number
or a key is replaced: nine digits in a row (unless it is a UUID, or 16 or 32 hex digits), an API key,
the request's own \`Idempotency-Key\`. It is passed on to the provider, as \`traceparent\` (W3C) is.

**Changes.** New fields and new words may be added to answers: ignore what you do not know.
`.trim();

/** The API as an OpenAPI 3.1 document: what the controllers' decorators say, put together. */
export function apiDocument(controllers: readonly Type[]): ApiDocument {
  const endpoints = [...controllers.flatMap(endpointsOf), METRICS].sort(byTag);
  return {
    openapi: '3.1.0',
    info: {
      title: 'OTP service',
      version: packageVersion(),
      summary: 'One-time passwords by text and call, sent once and judged exactly.',
      description: DESCRIPTION,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/', description: 'Where this document comes from.' }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths: pathsOf(endpoints),
    components: {
      securitySchemes: {
        apiKey: {
          type: 'http',
          scheme: 'bearer',
          description: 'An API key of your client, as `npm run keys:new` prints it.',
        },
      },
      headers: HEADERS,
      schemas: schemasOf(endpoints),
    },
  };
}

const ORDER = Object.keys(TAGS) as Tag[];
const byTag = (a: Endpoint, b: Endpoint) => ORDER.indexOf(a.tag) - ORDER.indexOf(b.tag);

function pathsOf(endpoints: readonly Endpoint[]): Record<string, PathItem> {
  const paths: Record<string, PathItem> = {};
  for (const endpoint of endpoints) {
    paths[endpoint.path] = {
      ...paths[endpoint.path],
      [endpoint.method]: operationOf(endpoint),
    };
  }
  return paths;
}

/** Every schema that goes by a name; who uses one twice means the same. */
function schemasOf(endpoints: readonly Endpoint[]): Record<string, Schema> {
  const used: NamedSchema[] = endpoints.flatMap(({ body, answers }) => [
    ...(body ? [body] : []),
    ...Object.values(answers).flatMap((answer) => (answer.body ? [answer.body] : [])),
  ]);
  return Object.fromEntries([...used, PROBLEM].map(({ name, schema }) => [name, schema]));
}

function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(PACKAGE, 'utf8')) as { version: string };
  return version;
}
