/** The language of a message. */
export interface SinchLanguage {
  /** The language tag for the header `Content-Language`. */
  readonly tag: string;
  /** The text of the message, with the placeholder `{{CODE}}`. */
  readonly template: string;
}

export const DEFAULT_LANGUAGE: SinchLanguage = {
  tag: 'en-US',
  template: 'Your code is {{CODE}}',
};

/** By primary language subtag (RFC 5646 §2.2.1). */
const LANGUAGES: Readonly<Partial<Record<string, SinchLanguage>>> = {
  de: { tag: 'de-DE', template: 'Ihr Code ist {{CODE}}' },
  en: DEFAULT_LANGUAGE,
  es: { tag: 'es-ES', template: 'Su código es {{CODE}}' },
  fr: { tag: 'fr-FR', template: 'Votre code est {{CODE}}' },
  pt: { tag: 'pt-BR', template: 'Seu código é {{CODE}}' },
  sv: { tag: 'sv-SE', template: 'Din kod är {{CODE}}' },
};

/** Chooses the most preferred language in `Accept-Language` (RFC 9110 §12.5.4) that exists, else English. */
export function chooseLanguage(acceptLanguage = ''): SinchLanguage {
  const languages = acceptLanguage
    .split(',')
    .map(parseRange)
    .filter(({ quality }) => quality > 0)
    .sort((a, b) => b.quality - a.quality)
    .flatMap(({ language }) => LANGUAGES[language] ?? []);
  return languages[0] ?? DEFAULT_LANGUAGE;
}

/** Parses one language range, such as `de-CH;q=0.8`. */
function parseRange(range: string): { language: string; quality: number } {
  const [tag = '', ...parameters] = range.split(';').map((part) => part.trim());
  const weight = parameters.find((parameter) => /^q=/i.test(parameter));
  const quality = weight === undefined ? 1 : Number(weight.slice(2));
  return { language: (tag.split('-')[0] ?? '').toLowerCase(), quality };
}
