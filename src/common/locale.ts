/**
 * The longest accepted tag. RFC 5646 §4.4.1 asks every implementation to store tags of this length.
 */
export const MAX_LOCALE_LENGTH = 35;

/**
 * Subtags of letters and digits, with hyphens between (RFC 5646 §2.1), or with underscores, as many
 * systems write a locale: `de_CH`.
 */
export const LANGUAGE_TAG = /^[A-Za-z\d]{1,8}(?:[-_][A-Za-z\d]{1,8})*$/;

/** Whether a value has the form of a BCP 47 language tag. The language need not exist. */
export const isLanguageTag = (value: unknown): value is string =>
  typeof value === 'string' && value.length <= MAX_LOCALE_LENGTH && LANGUAGE_TAG.test(value);

/**
 * The canonical form of a tag, such as `pt-BR`, without extensions and private-use subtags: these do
 * not change the language, and may hold anything. Empty for a tag that names no language (`x-a`).
 */
export function canonicalizeLocale(tag: string): string {
  try {
    return new Intl.Locale(tag.replaceAll('_', '-')).baseName;
  } catch {
    return '';
  }
}

/**
 * Finds the value of a tag, or of the nearest more general one, as RFC 4647 §3.4 (lookup) says:
 * `zh-Hant-TW`, `zh-Hant`, `zh`.
 * @param values by canonical tag
 * @returns `undefined` if no such tag has a value
 */
export function lookUpLocale<T>(values: ReadonlyMap<string, T>, locale: string): T | undefined {
  const subtags = locale.split('-');
  while (subtags.length > 0) {
    const value = values.get(subtags.join('-'));
    if (value !== undefined) return value;
    subtags.pop();
    // A single letter only introduces the subtags that follow it.
    if (subtags.at(-1)?.length === 1) subtags.pop();
  }
  return undefined;
}
