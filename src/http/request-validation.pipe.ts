import {
  type ArgumentMetadata,
  type Type,
  ValidationPipe,
  type ValidationError,
} from '@nestjs/common';
import { getMetadataStorage, ValidationTypes } from 'class-validator';
import { DomainError, type FieldError } from '../common/domain-error.js';
import { InvalidBody } from './json-body-parser.js';
import { describeUnknownFields } from './unknown-fields.js';

/** The rule of `IsOptional` and `ValidateIf`: their function says whether the field is validated. */
const CONDITION = ValidationTypes.CONDITIONAL_VALIDATION;
type Condition = (object: object) => boolean;

/** The global validation pipe: turns each body into its DTO and rejects unknown fields. */
export class RequestValidationPipe extends ValidationPipe {
  constructor() {
    super({
      transform: true,
      whitelist: true,
      forbidNonWhitelisted: true,
      stopAtFirstError: true,
      // Its class has the known fields.
      validationError: { target: true },
      exceptionFactory: (validationErrors) =>
        new DomainError('validation_failed', { fieldErrors: toFieldErrors(validationErrors) }),
    });
  }

  /** @throws DomainError `validation_failed` with one error per field, or that of `InvalidBody` */
  override async transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    if (value instanceof InvalidBody) throw value.error;
    // The value of a custom parameter decorator comes from the service, not from the client.
    if (metadata.type === 'custom') return value;
    if (metadata.type === 'body') assertFlatObject(value, metadata.metatype);
    return super.transform(value, metadata) as Promise<unknown>;
  }
}

/**
 * Rejects every body but a flat object, before class-transformer recurses into nested values until
 * the stack overflows. class-validator would skip null, and accept a field named `constructor`.
 */
function assertFlatObject(body: unknown, dto: Type | undefined): void {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new DomainError('validation_failed', {
      fieldErrors: [{ pointer: '#', detail: 'Send one JSON object.' }],
    });
  }
  const entries = Object.entries(body);
  const rejected = entries
    .filter(([name, value]) => typeof value === 'object' || name in Object.prototype)
    .map(([name]) => name);
  if (rejected.length === 0) return;
  const fields = getFieldNames(dto);
  const accepted = Object.fromEntries(entries.filter(([name]) => !rejected.includes(name)));
  const knownNames = rejected.filter((name) => fields.includes(name));
  const unknownNames = rejected.filter((name) => !fields.includes(name));
  throw new DomainError('validation_failed', {
    fieldErrors: [
      ...knownNames.map((name) => ({
        pointer: `#/${name}`,
        detail: isRequired(name, accepted, dto) ? `${PLAIN_VALUE}.` : `${PLAIN_VALUE}, ${OR_NONE}.`,
      })),
      ...describeUnknownFields(unknownNames, fields),
    ],
  });
}

const PLAIN_VALUE = 'Give a plain value, not null, a list or an object';
const OR_NONE = 'or leave the field out';

/** Whether a body with these other fields also needs this one: no condition of the DTO excludes it. */
function isRequired(name: string, otherFields: object, dto: Type | undefined): boolean {
  return getRules(dto)
    .filter(({ propertyName, type }) => propertyName === name && type === CONDITION)
    .every(({ constraints: [condition] }) => (condition as Condition)(otherFields));
}

function toFieldErrors(validationErrors: readonly ValidationError[]): FieldError[] {
  const isUnknown = ({ constraints = {} }: ValidationError) => 'whitelistValidation' in constraints;
  const fieldErrors = validationErrors
    .filter((error) => !isUnknown(error))
    .map(({ property, constraints = {} }) => ({
      pointer: `#/${property}`,
      detail: Object.values(constraints)[0] ?? 'This value cannot be used.',
    }));
  const unknownErrors = validationErrors.filter(isUnknown);
  const dto = unknownErrors[0]?.target?.constructor as Type | undefined;
  const unknownNames = unknownErrors.map(({ property }) => property);
  return [...fieldErrors, ...describeUnknownFields(unknownNames, getFieldNames(dto))];
}

/** The names of a DTO's properties. */
const getFieldNames = (dto: Type | undefined): readonly string[] => [
  ...new Set(getRules(dto).map(({ propertyName }) => propertyName)),
];

const getRules = (dto: Type | undefined) =>
  dto ? getMetadataStorage().getTargetValidationMetadatas(dto, '', true, false) : [];
