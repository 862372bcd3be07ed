import type Joi from 'joi';

/** A body that cannot be taken, and why. */
export class ValidationError extends Error {
  /** @param fields what is wrong with which field; a path is written with dots. */
  constructor(readonly fields: Readonly<Record<string, string[]>>) {
    super('The request cannot be taken');
  }
}

/**
 * Reads a request body, with the defaults filled in.
 * @param options.unknown whether fields that the schema does not know are dropped or refused.
 * @throws InvalidInput naming each field at fault.
 */
export function validateInput<T>(
  schema: Joi.AnySchema<T>,
  input: unknown,
  { unknown = 'drop' }: { unknown?: 'drop' | 'refuse' } = {},
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
