import { readFileSync } from 'node:fs';
import type { HeaderObject, OperationObject, ReferenceObject, SchemaObject } from '@nestjs/swagger';

/** The part of OpenAPI that the committed document uses. */
interface ApiDocument {
  readonly paths: Readonly<Record<string, PathItem>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, Schema>>;
    readonly headers: Readonly<Record<string, HeaderObject & { readonly schema: Schema }>>;
    /** Problem documents by code. */
    readonly examples: Readonly<Record<string, { readonly value: object }>>;
  };
}

export type Schema = Omit<SchemaObject, 'type'> & {
  readonly type?: string;
  readonly $ref?: string;
};

/** Request bodies have their examples inline, responses refer to a component. */
interface Example {
  readonly value: object;
  readonly $ref?: string;
}

interface MediaType {
  readonly schema: Schema;
  readonly examples?: Readonly<Record<string, Example>>;
}

type Content = Readonly<Record<string, MediaType>>;

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

/** The committed OpenAPI document; a test compares it with the generated one. */
export const API_FILE = 'openapi.json';

export const API = JSON.parse(readFileSync(API_FILE, 'utf8')) as ApiDocument;

/** A path of the document that matches a URL. */
interface MatchedPath {
  readonly template: string;
  readonly item: PathItem;
}

/**
 * The path of the document that a URL matches, or `undefined`. Paths without parameters take
 * precedence.
 */
export function findPath(url: string): MatchedPath | undefined {
  const path = decoded(new URL(url).pathname);
  if (path === undefined) return undefined;
  const found = Object.entries(API.paths)
    .sort(([a], [b]) => Number(a.includes('{')) - Number(b.includes('{')))
    .find(([template]) => patternOf(template).test(path));
  return found && { template: found[0], item: found[1] };
}

const patternOf = (template: string): RegExp =>
  new RegExp(`^${template.replace(/\{\w+\}/g, '[^/]+')}$`);

/** The decoded path, or `undefined` if it cannot be decoded. */
function decoded(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}

/** The operation for a method. HEAD is GET without a body (RFC 9110 §9.3.2). */
export const findOperation = ({ item }: MatchedPath, method: string): Operation | undefined =>
  method === 'HEAD' ? item.get : item[method.toLowerCase() as keyof PathItem];

/** The single media type of a body. */
export const mediaTypeOf = (content: Content = {}): string | undefined => Object.keys(content)[0];
