import { DEFAULT_LANGUAGE, toInfobipLanguage } from './infobip.language.js';
import type { InfobipTemplate } from './infobip.types.js';

/**
 * Finds the default template: one with the given text, else the only template. `undefined` if no
 * template has the text and there are several, or none at all.
 * @param templates each has a text
 */
export const findDefaultTemplate = (
  templates: readonly InfobipTemplate[],
  text: string | undefined,
): InfobipTemplate | undefined =>
  templates.find(({ messageText }) => messageText === text) ??
  (templates.length === 1 ? templates[0] : undefined);

/**
 * Finds the template of a language: the one that `idsByLocale` names for it. If there is none, looks
 * among the templates that `idsByLocale` does not name: for one with the given text, or else for one
 * whose calls are in the language.
 * @param templates without the default template; each has a text
 * @param idsByLocale INFOBIP_MESSAGE_IDS
 */
export function findLocalizedTemplate(
  templates: readonly InfobipTemplate[],
  idsByLocale: ReadonlyMap<string, string>,
  locale: string,
  text: string | undefined,
): InfobipTemplate | undefined {
  const configuredIds: unknown[] = [...idsByLocale.values()];
  const unnamed = templates.filter(({ messageId }) => !configuredIds.includes(messageId));
  return (
    templates.find(({ messageId }) => messageId === idsByLocale.get(locale)) ??
    unnamed.find(({ messageText }) => messageText === text) ??
    findByLanguage(unnamed, toInfobipLanguage(locale))
  );
}

/** Never finds by the default language: every template without a chosen language has it. */
const findByLanguage = (
  templates: readonly InfobipTemplate[],
  language: string | undefined,
): InfobipTemplate | undefined =>
  language === undefined || language === DEFAULT_LANGUAGE
    ? undefined
    : templates.find((template) => template.language === language);
