import { DEFAULT_LANGUAGE, toInfobipLanguage } from './infobip.language.js';
import type { InfobipTemplate } from './infobip.types.js';

/** Finds the default template: one with the given text, else the only template. */
export const findDefaultTemplate = (
  templates: readonly InfobipTemplate[],
  text: string | undefined,
): InfobipTemplate | undefined =>
  findByText(templates, text) ?? (templates.length === 1 ? templates[0] : undefined);

/**
 * Finds the template of a language: the one that the settings name for it. Else, of those that the
 * settings do not name, the one with the given text, or one whose calls are in that language.
 * @param templates without the default template
 * @param idsByLocale INFOBIP_MESSAGE_IDS
 */
export function findLocalizedTemplate(
  templates: readonly InfobipTemplate[],
  idsByLocale: ReadonlyMap<string, string>,
  locale: string,
  text: string | undefined,
): InfobipTemplate | undefined {
  const configuredIds: unknown[] = [...idsByLocale.values()];
  const unused = templates.filter(({ messageId }) => !configuredIds.includes(messageId));
  return (
    templates.find(({ messageId }) => messageId === idsByLocale.get(locale)) ??
    findByText(unused, text) ??
    findByLanguage(unused, toInfobipLanguage(locale))
  );
}

const findByText = (
  templates: readonly InfobipTemplate[],
  text: string | undefined,
): InfobipTemplate | undefined =>
  templates.find((template) => text !== undefined && template.messageText === text);

/** Not by the default language: every template has it whose language was not chosen. */
const findByLanguage = (
  templates: readonly InfobipTemplate[],
  language: string | undefined,
): InfobipTemplate | undefined =>
  language === undefined || language === DEFAULT_LANGUAGE
    ? undefined
    : templates.find((template) => template.language === language);
