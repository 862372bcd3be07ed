import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import supertest, { type Agent, type Response, type Test } from 'supertest';
import { CLIENT_HEADERS } from '../../src/http/client-headers.js';
import {
  API,
  mediaTypeOf,
  findOperation,
  findPath,
  type DocumentedResponse,
  type Operation,
  type Schema,
} from './api-document.js';

/** Pages, which are not part of the API. */
const PAGES = /^\/($|(demo|docs|docs-json)(\/|$))/;

const PROBLEM: Schema = { $ref: '#/components/schemas/Problem' };

const ajv = addFormats.default(new Ajv2020({ strict: false, allErrors: true }));
const validators = new Map<Schema, ValidateFunction>();

/** Calls a service; a response that differs from the API document fails the test. */
export function openApiValidatedAgent(url: string): Agent {
  const agent = supertest.agent(url);
  agent.use((test: Test) => {
    test.expect((response) => {
      const mismatches = findMismatches(test, response);
      if (mismatches.length === 0) return;
      throw new Error(
        `${test.method} ${new URL(test.url).pathname} → ${String(response.status)} is not as documented:\n` +
          mismatches.join('\n'),
      );
    });
  });
  return agent;
}

function findMismatches(request: Test, response: Response): string[] {
  if (PAGES.test(new URL(request.url).pathname)) return [];
  const path = findPath(request.url);
  const operation = path && findOperation(path, request.method);
  return operation
    ? [
        ...responseMismatches(operation, request, response),
        ...requestMismatches(operation, request, response),
      ]
    : unknownRouteMismatches(request, response);
}

/** An unknown path or method must return a problem document, or 204 for a CORS preflight. */
function unknownRouteMismatches({ method }: Test, { status, body }: Response): string[] {
  if (status === 204 || method === 'HEAD') return [];
  if (status < 400) return ['the route is not documented'];
  return schemaMismatches('body', PROBLEM, body);
}

function responseMismatches(
  { responses }: Operation,
  { method }: Test,
  response: Response,
): string[] {
  const documented = responses[response.status];
  if (!documented) return ['the status is not documented'];
  const { content, headers } = documented;
  const mediaType = mediaTypeOf(content);
  const [value] = (response.headers['content-type'] ?? '').split(';');
  return [
    ...headerMismatches(headers, response),
    ...(value === (mediaType ?? '') ? [] : [`content-type: ${value}`]),
    ...(mediaType === undefined || method === 'HEAD'
      ? []
      : schemaMismatches(
          'body',
          forbidOtherProperties(content?.[mediaType]?.schema ?? {}),
          bodyOf(response),
        )),
  ];
}

/** The body of a response; supertest parses only JSON. */
const bodyOf = ({ type, body, text }: Response): unknown => (type === 'text/plain' ? text : body);

function headerMismatches(documented: DocumentedResponse['headers'], response: Response): string[] {
  const byName = new Map(
    Object.entries(documented).map(([name, { $ref }]) => [
      name.toLowerCase(),
      API.components.headers[$ref.slice('#/components/headers/'.length)],
    ]),
  );
  // A client header may be there only if it is documented for this response.
  const clientHeaders = CLIENT_HEADERS.map((name) => name.toLowerCase());
  const names = new Set([...byName.keys(), ...clientHeaders]);
  return [...names].flatMap((name) => {
    const value: string | undefined = response.headers[name];
    const header = byName.get(name);
    if (value === undefined) return header?.required ? [`${name}: is missing`] : [];
    if (!header) return [`${name}: is not documented here`];
    const { schema } = header;
    return schemaMismatches(name, schema, schema.type === 'integer' ? Number(value) : value);
  });
}

/** A request that succeeded must match the documented request. */
function requestMismatches(
  { requestBody }: Operation,
  request: Test,
  response: Response,
): string[] {
  const { schema } = requestBody?.content['application/json'] ?? {};
  if (!schema || response.status >= 300) return [];
  const sent: unknown = (request as unknown as { _data: unknown })._data;
  return schemaMismatches('request', schema, typeof sent === 'string' ? JSON.parse(sent) : sent);
}

function schemaMismatches(part: string, schema: Schema, value: unknown): string[] {
  const validate = getValidator(schema);
  if (validate(value)) return [];
  return (validate.errors ?? []).map(
    ({ instancePath, message = '', params }) =>
      `${part}${instancePath} ${message} ${JSON.stringify(params)}`,
  );
}

function getValidator(schema: Schema): ValidateFunction {
  const compiled = validators.get(schema) ?? ajv.compile({ ...schema, components: API.components });
  validators.set(schema, compiled);
  return compiled;
}

const closedSchemas = new Map<Schema, Schema>();

/** The schema with further properties forbidden. Clients ignore such properties; a test must not. */
function forbidOtherProperties(schema: Schema): Schema {
  const result =
    closedSchemas.get(schema) ?? ({ ...schema, unevaluatedProperties: false } as Schema);
  closedSchemas.set(schema, result);
  return result;
}
