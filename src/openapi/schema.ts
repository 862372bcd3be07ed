import type { Schema } from './document.js';

/** A schema that is written down once, by its name, and referred to. */
export interface NamedSchema {
  readonly name: string;
  readonly schema: Schema;
}

/** A field that may be missing. */
interface Optional {
  readonly optional: Schema;
}

/** A schema for each field of `T`, marked where `T` lets it be missing. */
type Fields<T> = {
  readonly [K in keyof T]-?: Partial<Pick<T, K>> extends Pick<T, K> ? Optional : Schema;
};

export const named = (name: string, schema: Schema): NamedSchema => ({ name, schema });

export const optional = (schema: Schema): Optional => ({ optional: schema });

/** The schema of a `T`; the compiler sees to it that no field is left out or added. */
export function objectOf<T extends object>(
  description: string,
  fields: Fields<T>,
  options: Pick<Schema, 'additionalProperties'> = {},
): Schema {
  const entries = Object.entries<Schema | Optional>(fields);
  return {
    type: 'object',
    description,
    required: entries.filter(([, field]) => !('optional' in field)).map(([name]) => name),
    properties: Object.fromEntries(
      entries.map(([name, field]) => [name, 'optional' in field ? field.optional : field]),
    ),
    ...options,
  };
}

/** What a client may send: a field that is not named is refused. */
export const requestOf = <T extends object>(description: string, fields: Fields<T>): Schema =>
  objectOf(description, fields, { additionalProperties: false });

/** One of some words, with what each of them means. */
export function wordOf<Word extends string>(
  description: string,
  meanings: Readonly<Record<Word, string>>,
): Schema {
  const words = Object.keys(meanings);
  return {
    type: 'string',
    enum: words,
    description: `${description}\n\n${meaningsOf(meanings)}`,
    examples: words.slice(0, 1),
  };
}

/** A list of words and what they mean, as descriptions have it. */
export const meaningsOf = (meanings: Readonly<Record<string, string>>): string =>
  Object.entries(meanings)
    .map(([word, meaning]) => `- \`${word}\`: ${meaning}`)
    .join('\n');
