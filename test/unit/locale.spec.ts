import { canonicalizeLocale, lookUpLocale } from '../../src/common/locale.js';

describe('A language tag', () => {
  it.each([
    ['pt-br', 'pt-BR'],
    ['ZH-hant-tw', 'zh-Hant-TW'],
    ['iw', 'he'],
    ['pt_BR', 'pt-BR'],
    ['de-CH-u-co-phonebk-x-4179302', 'de-CH'],
    ['x-private', ''],
    ['i-klingon', ''],
  ])('%s becomes "%s", in canonical form and without private parts', (tag, canonical) => {
    expect(canonicalizeLocale(tag)).toBe(canonical);
  });

  it.each([
    ['zh-Hant-TW', 'zh-Hant'],
    ['zh-TW', 'zh'],
    ['zh-a-xxx', 'zh'],
    ['pt-BR', 'pt-BR'],
    ['pt-PT', undefined],
    ['z', undefined],
    ['', undefined],
  ])('%s is looked up as %s', (locale, found) => {
    const values = new Map(['zh', 'zh-a', 'zh-Hant', 'pt-BR'].map((tag) => [tag, tag]));

    expect(lookUpLocale(values, locale)).toBe(found);
  });
});
