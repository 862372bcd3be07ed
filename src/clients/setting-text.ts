import type Joi from 'joi';

/**
 * Converts the value of a client's field in `CLIENTS_FILE` to the text of a setting in the
 * environment. A list is joined with commas, a map becomes `key:value,…`, and an empty list or map
 * becomes `none`.
 * @returns `undefined` for any other value, such as a nested list
 */
export function toSettingText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  const entries = value instanceof Map ? Array.from(value as Map<unknown, unknown>, toPair) : value;
  if (!Array.isArray(entries) || !entries.every((entry) => typeof entry === 'string'))
    return undefined;
  return entries.length === 0 ? 'none' : entries.join(',');
}

const toPair = ([key, value]: [unknown, unknown]): unknown =>
  typeof key === 'string' && typeof value === 'string' ? `${key}:${value}` : undefined;

/**
 * Parses the text of a setting.
 * @param label the path of the field, for the error
 * @returns the value, or a sentence about the error
 */
export function parseSetting(
  schema: Joi.Schema,
  label: string,
  text: string | undefined,
): { readonly value?: unknown; readonly error?: string } {
  if (text === undefined) return { error: `${label} must be a value, or a list of values` };
  if (text === '') return { error: `${label} has no value: give one, or remove it` };
  const options = { abortEarly: false, errors: { wrap: { label: false } } } as const;
  const result = schema.label(label).validate(text, options);
  const { error } = result;
  if (!error) return { value: result.value as unknown };
  return { error: error.details.map(({ message }) => message).join('; ') };
}
