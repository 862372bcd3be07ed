import {
  type ArgumentMetadata,
  type Type,
  ValidationPipe,
  type ValidationError,
} from '@nestjs/common';
import { getMetadataStorage } from 'class-validator';
import { errors, type FieldError } from '../common/domain-error.js';
import { InvalidBody } from './json-body-parser.js';

const UNKNOWN_FIELD = 'whitelistValidation';

/**
 * Reads each body into its DTO and refuses what the DTO does not name.
 * @throws DomainError `validation_failed`, one fault a field.
 */
export class RequestValidationPipe extends ValidationPipe {
  constructor() {
    super({
      transform: true,
      whitelist: true,
      forbidNonWhitelisted: true,
      stopAtFirstError: true,
      exceptionFactory: (found) => errors.validationFailed({ fieldErrors: toFieldErrors(found) }),
    });
  }

  override async transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    if (value instanceof InvalidBody) throw value.error;
    // A parameter of our own making was never anything else.
    if (metadata.type === 'custom') return value;
    if (metadata.type === 'body') rejectNestedValues(value, metadata.metatype);
    return super.transform(value, metadata) as Promise<unknown>;
  }
}

/**
 * Every body here is one flat object. Saying so first keeps lists, lone values and deep nesting
 * from the transformer, which recurses into whatever it is given until the stack ends; and from
 * class-validator null, which it takes for left out, and what every object has, which it takes for a field.
 */
function rejectNestedValues(body: unknown, dto: Type | undefined): void {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw errors.validationFailed({
      fieldErrors: [{ pointer: '#', detail: 'Send one JSON object.' }],
    });
  }
  const refused = Object.entries(body).filter(
    ([name, value]) => typeof value === 'object' || name in Object.prototype,
  );
  if (refused.length === 0) return;
  if (refused.some(([name]) => name in Object.prototype))
    throw errors.validationFailed({ fieldErrors: [unknownField(dto)] });
  const fields = fieldsOf(dto);
  const fieldErrors = refused.map(([name]) => ({
    pointer: fields.has(name) ? `#/${name}` : '#',
    detail: 'Give a plain value, not null, a list or an object, or leave the field out.',
  }));
  throw errors.validationFailed({ fieldErrors });
}

/** A name that is not known is not repeated: by mistake it may be a number, a code or a key. */
function toFieldErrors(found: readonly ValidationError[]): FieldError[] {
  const isUnknown = ({ constraints = {} }: ValidationError) => UNKNOWN_FIELD in constraints;
  const fieldErrors = found
    .filter((error) => !isUnknown(error))
    .map(({ property, constraints = {} }) => ({
      pointer: `#/${property}`,
      detail: Object.values(constraints)[0] ?? 'This value cannot be used.',
    }));
  const unknown = found.find(isUnknown);
  if (!unknown) return fieldErrors;
  return [...fieldErrors, unknownField(unknown.target?.constructor as Type | undefined)];
}

const unknownField = (dto: Type | undefined): FieldError => ({
  pointer: '#',
  detail: `Send no other fields than ${[...fieldsOf(dto)].join(', ')}.`,
});

/** What a DTO names. */
function fieldsOf(dto: Type | undefined): ReadonlySet<string> {
  const rules = dto && getMetadataStorage().getTargetValidationMetadatas(dto, '', true, false);
  return new Set(rules?.map(({ propertyName }) => propertyName));
}
