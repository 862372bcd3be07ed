/**
 * The decorators of @nestjs/swagger, used as usual but applied when the API document is first
 * requested. Importing the package takes 130 ms and 15 MB at start (Node 20; nine tenths of it is
 * es-toolkit/compat), and most processes never serve the document.
 */
import type { Type } from '@nestjs/common';
import type * as swagger from '@nestjs/swagger';
import type {
  ApiParamOptions,
  ApiPropertyOptions,
  ApiSchemaOptions,
  SchemaObject,
} from '@nestjs/swagger';

type Swagger = typeof swagger;
type LazyDecorator = (
  target: object,
  key?: string | symbol,
  descriptor?: PropertyDescriptor,
) => void;
/** JSON Schema keywords that the option types lack but @nestjs/swagger copies into the document. */
type SchemaKeywords = Pick<SchemaObject, 'additionalProperties'> & { const?: unknown };

const pending: ((swagger: Swagger) => void)[] = [];

/** A decorator that is created and applied only when @nestjs/swagger is loaded. */
export const whenSwaggerLoads =
  (create: (swagger: Swagger, target: object, key?: string | symbol) => unknown): LazyDecorator =>
  (target, key, descriptor) => {
    pending.push((swagger) => {
      (create(swagger, target, key) as LazyDecorator)(target, key, descriptor);
    });
  };

export const ApiProperty = (options: ApiPropertyOptions & SchemaKeywords) =>
  whenSwaggerLoads((swagger) => swagger.ApiProperty(options));

export const ApiSchema = (options: ApiSchemaOptions & SchemaKeywords) =>
  whenSwaggerLoads((swagger) => swagger.ApiSchema(options));

export const ApiExtraModels = (...models: Type[]) =>
  whenSwaggerLoads((swagger) => swagger.ApiExtraModels(...models));

export const ApiExcludeController = () =>
  whenSwaggerLoads((swagger) => swagger.ApiExcludeController());

export const ApiProduces = (...mediaTypes: string[]) =>
  whenSwaggerLoads((swagger) => swagger.ApiProduces(...mediaTypes));

export const ApiTags = (...tags: string[]) =>
  whenSwaggerLoads((swagger) => swagger.ApiTags(...tags));

export const ApiParam = (options: ApiParamOptions) =>
  whenSwaggerLoads((swagger) => swagger.ApiParam(options));

/** Loads @nestjs/swagger and applies the decorators that wait for it. */
export async function loadSwagger(): Promise<Swagger> {
  const loaded = await import('@nestjs/swagger');
  // Applying a decorator may add more to the list; the loop reaches those too.
  for (const apply of pending) apply(loaded);
  pending.length = 0;
  return loaded;
}
