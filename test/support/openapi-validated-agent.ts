import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import supertest, { type Agent, type Response, type Test } from 'supertest';
import {
  API,
  mediaTypeOf,
  operationOf,
  pathOf,
  type DocumentedResponse,
  type Operation,
  type Schema,
} from './api-document.js';

/** Headers that mean something to a caller: one that comes has to be documented. */
const TELLING = [
  'x-request-id',
  'idempotency-replayed',
  'ratelimit',
  'ratelimit-policy',
  'retry-after',
  'www-authenticate',
];

/** Pages, which are no part of the API. */
const PAGES = /^\/(demo|docs|docs-json)(\/|$)/;

const PROBLEM: Schema = { $ref: '#/components/schemas/Problem' };

const ajv = addFormats.default(new Ajv2020({ strict: false, allErrors: true }));
const validators = new Map<Schema, ValidateFunction>();

/** Calls a service; an answer that its document does not foresee fails the test. */
export function openApiValidatedAgent(url: string): Agent {
  const agent = supertest.agent(url);
  agent.use((test: Test) => {
    test.expect((response) => {
      const faults = faultsOf(test, response);
      if (faults.length === 0) return;
      throw new Error(
        `${test.method} ${new URL(test.url).pathname} → ${String(response.status)} is not as documented:\n` +
          faults.join('\n'),
      );
    });
  });
  return agent;
}

function faultsOf(request: Test, response: Response): string[] {
  if (PAGES.test(new URL(request.url).pathname)) return [];
  const path = pathOf(request.url);
  const operation = path && operationOf(path, request.method);
  return operation
    ? [
        ...answerFaults(operation, request, response),
        ...requestFaults(operation, request, response),
      ]
    : strayFaults(request, response);
}

/** Where there is nothing, or not by this method, the answer is a problem, or a browser's to hear. */
function strayFaults({ method }: Test, { status, body }: Response): string[] {
  if (status === 204 || method === 'HEAD') return [];
  if (status < 400) return [`there is no such call`];
  return schemaFaults('body', PROBLEM, body);
}

function answerFaults({ responses }: Operation, { method }: Test, response: Response): string[] {
  const documented = responses[response.status];
  if (!documented) return ['the status is not documented'];
  const { content, headers } = documented;
  const mediaType = mediaTypeOf(content);
  const [given] = (response.headers['content-type'] ?? '').split(';');
  return [
    ...headerFaults(headers, response),
    ...(given === (mediaType ?? '') ? [] : [`content-type: ${given}`]),
    ...(mediaType === undefined || method === 'HEAD'
      ? []
      : schemaFaults('body', closed(content?.[mediaType]?.schema ?? {}), bodyOf(response))),
  ];
}

/** Only JSON is parsed. */
const bodyOf = ({ type, body, text }: Response): unknown => (type === 'text/plain' ? text : body);

function headerFaults(documented: DocumentedResponse['headers'], response: Response): string[] {
  const byName = new Map(
    Object.entries(documented).map(([name, { $ref }]) => [
      name.toLowerCase(),
      API.components.headers[$ref.slice('#/components/headers/'.length)],
    ]),
  );
  const names = new Set([...byName.keys(), ...TELLING]);
  return [...names].flatMap((name) => {
    const given: string | undefined = response.headers[name];
    const header = byName.get(name);
    if (given === undefined) return header?.required ? [`${name}: is missing`] : [];
    if (!header) return [`${name}: is not documented here`];
    const { schema } = header;
    return schemaFaults(name, schema, schema.type === 'integer' ? Number(given) : given);
  });
}

/** What was taken has to be what the document lets callers send. */
function requestFaults({ requestBody }: Operation, request: Test, response: Response): string[] {
  const { schema } = requestBody?.content['application/json'] ?? {};
  if (!schema || response.status >= 300) return [];
  const sent: unknown = (request as unknown as { _data: unknown })._data;
  return schemaFaults('request', schema, typeof sent === 'string' ? JSON.parse(sent) : sent);
}

function schemaFaults(what: string, schema: Schema, value: unknown): string[] {
  const validate = validatorOf(schema);
  if (validate(value)) return [];
  return (validate.errors ?? []).map(
    ({ instancePath, message = '', params }) =>
      `${what}${instancePath} ${message} ${JSON.stringify(params)}`,
  );
}

function validatorOf(schema: Schema): ValidateFunction {
  const compiled = validators.get(schema) ?? ajv.compile({ ...schema, components: API.components });
  validators.set(schema, compiled);
  return compiled;
}

const closedSchemas = new Map<Schema, Schema>();

/** The schema, with nothing in a body but what it names. Clients are told to expect more. */
function closed(schema: Schema): Schema {
  const made = closedSchemas.get(schema) ?? ({ ...schema, unevaluatedProperties: false } as Schema);
  closedSchemas.set(schema, made);
  return made;
}
