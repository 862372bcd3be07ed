import type Joi from 'joi';

/** The input does not match its schema. */
export class ValidationError extends Error {
  /** @param fields error messages by field. A nested field has the name `outer.inner`. */
  constructor(readonly fields: Readonly<Record<string, string[]>>) {
    super('The request is invalid. Fix the fields listed in `fields` and retry.');
  }
}

/**
 * Validates an input and returns it with defaults filled in.
 * @param options.unknown whether to drop or reject fields that are not in the schema.
 * @throws ValidationError
 */
export function validateInput<T>(
  schema: Joi.AnySchema<T>,
  input: unknown,
  { unknown = 'drop' }: { unknown?: 'drop' | 'reject' } = {},
): T {
  const result = schema
    .required()
    .validate(input, { abortEarly: false, stripUnknown: unknown === 'drop' });
  if (!result.error) return result.value;
  const fields: Record<string, string[]> = {};
  for (const { path, message } of result.error.details) {
    (fields[path.join('.')] ??= []).push(message);
  }
  throw new ValidationError(fields);
}
