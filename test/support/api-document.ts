import { readFileSync } from 'node:fs';
import type { HeaderObject, OperationObject, ReferenceObject, SchemaObject } from '@nestjs/swagger';

/** The committed document: of what OpenAPI allows, it has these forms. */
interface ApiDocument {
  readonly paths: Readonly<Record<string, PathItem>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, Schema>>;
    readonly headers: Readonly<Record<string, HeaderObject & { readonly schema: Schema }>>;
  };
}

export type Schema = Omit<SchemaObject, 'type'> & {
  readonly type?: string;
  readonly $ref?: string;
};

type Content = Readonly<Record<string, { readonly schema: Schema }>>;

export interface DocumentedResponse {
  readonly description: string;
  readonly headers: Readonly<Record<string, ReferenceObject>>;
  readonly content?: Content;
}

export interface Operation extends Omit<OperationObject, 'responses' | 'requestBody'> {
  readonly operationId: string;
  readonly summary: string;
  readonly requestBody?: { readonly content: Content };
  /** By status. */
  readonly responses: Readonly<Record<string, DocumentedResponse>>;
}

type PathItem = Readonly<Partial<Record<'get' | 'post' | 'delete', Operation>>>;

/** The committed document, which the generated one has to equal. */
export const API_FILE = 'openapi.json';

export const API = JSON.parse(readFileSync(API_FILE, 'utf8')) as ApiDocument;

/** A path of the API, and its key in the document, by which schemas in it are found. */
interface Found {
  readonly template: string;
  readonly item: PathItem;
}

/** Which path of the document a URL means; those without anything variable go first. */
export function pathOf(url: string): Found | undefined {
  const asked = decoded(new URL(url).pathname);
  if (asked === undefined) return undefined;
  const found = Object.entries(API.paths)
    .sort(([a], [b]) => Number(a.includes('{')) - Number(b.includes('{')))
    .find(([template]) => patternOf(template).test(asked));
  return found && { template: found[0], item: found[1] };
}

const patternOf = (template: string): RegExp =>
  new RegExp(`^${template.replace(/\{\w+\}/g, '[^/]+')}$`);

/** A path that cannot be decoded is none. */
function decoded(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}

/** What the document says of a method of a path. HEAD is GET without a body (RFC 9110 §9.3.2). */
export const operationOf = ({ item }: Found, method: string): Operation | undefined =>
  method === 'HEAD' ? item.get : item[method.toLowerCase() as keyof PathItem];

/** The one media type of a body. */
export const mediaTypeOf = (content: Content = {}): string | undefined => Object.keys(content)[0];
