import { lookUpLocale } from '../../common/locale.js';

/** The languages of voice calls whose names at Infobip are their BCP 47 tags. */
const PLAIN_NAMES = 'en es ca da nl fr de it ja ko no pl ru sv fi hr sl ro'.split(' ');

/** Infobip's names of languages by canonical BCP 47 tag. */
const NAMES: ReadonlyMap<string, string> = new Map([
  ...PLAIN_NAMES.map((name) => [name, name] as const),
  ['nb', 'no'],
  ['nn', 'no'],
  ['pt', 'pt_br'],
  ['pt-PT', 'pt_pt'],
  ['zh', 'zh_cn'],
  ['zh-Hant', 'zh_tw'],
  ['zh-TW', 'zh_tw'],
]);

/** Infobip's default: the language of a template that states none. */
export const DEFAULT_LANGUAGE = 'en';

/** The language in which Infobip reads a template in a call; `undefined` if Infobip has no voice for it. */
export const toInfobipLanguage = (locale: string): string | undefined =>
  lookUpLocale(NAMES, locale);
