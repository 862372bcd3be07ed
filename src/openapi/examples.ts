import type { ApiDocument, Content, Operation, Schema } from './document.js';

/** The schema that a reference means. */
export function resolve(schema: Schema, { components }: ApiDocument): Schema {
  if (schema.$ref === undefined) return schema;
  return components.schemas[schema.$ref.slice('#/components/schemas/'.length)] ?? {};
}

/** The schemas of which a body has one: mostly there is one alone. */
export function variantsOf(content: Content, document: ApiDocument): Schema[] {
  return Object.values(content).flatMap(({ schema }) => {
    const resolved = resolve(schema, document);
    return (resolved.oneOf ?? [resolved]).map((variant) => resolve(variant, document));
  });
}

/** The shortest body that is good: what is required, by the example of each field. */
export function bodyExample(content: Content, document: ApiDocument): string {
  const [{ required = [], properties = {} } = {}] = variantsOf(content, document);
  const fields = required.map((name) => {
    const { const: constant, examples } = resolve(properties[name] ?? {}, document);
    return [name, constant ?? examples?.[0]];
  });
  return JSON.stringify(Object.fromEntries(fields));
}

/** The call, as a shell has it. */
export function curlOf(
  method: string,
  path: string,
  { parameters = [], security }: Operation,
  body?: string,
): string {
  const inPath = parameters.find((parameter) => parameter.in === 'path');
  const url = path.replace(/\{\w+\}/, String(inPath?.schema.examples?.[0]));
  return [
    `curl -s${method === 'DELETE' ? ' -X DELETE' : ''} "$OTP_URL${url}"`,
    ...(security.length > 0 ? ['-H "Authorization: Bearer $OTP_API_KEY"'] : []),
    ...(body === undefined ? [] : ["-H 'content-type: application/json'", `-d '${body}'`]),
  ].join(' \\\n  ');
}
