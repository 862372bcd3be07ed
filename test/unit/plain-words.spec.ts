import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Words that made texts of this project hard to read. */
const RARE_WORDS = [
  ...['hears', 'heard', 'told', 'tells', 'whoever', 'whatever', 'nobody', 'somebody', 'mend'],
  ...['judge', 'judged', 'judgement', 'texted', 'anew', 'brought', 'brings', 'courier'],
  ...['workbench', 'let pass', 'under way', 'at fault'],
];
/** Not zero: a few uses of these words are plain English. */
const MAX_COUNT = 30;

/** Lock files are generated, and this file lists the words. */
const EXCLUDED = /(^|\/)package-lock\.json$|^test\/unit\/plain-words\.spec\.ts$/;

const PATTERN = new RegExp(`\\b(${RARE_WORDS.join('|')})\\b`, 'gi');

/** Every use of a rare word in a tracked file, as `file:line: word`. */
function findRareWords(): string[] {
  const files = execFileSync('git', ['ls-files', '-z'], { encoding: 'utf8' }).split('\0');
  return files
    .filter((file) => file !== '' && !EXCLUDED.test(file))
    .flatMap((file) => findInText(file, readText(file)));
}

/** The file's text; empty if it is deleted or binary. */
function readText(file: string): string {
  try {
    const text = readFileSync(file, 'utf8');
    return text.includes('\0') ? '' : text;
  } catch {
    return '';
  }
}

const findInText = (file: string, text: string): string[] =>
  text
    .split('\n')
    .flatMap((line, index) =>
      [...line.matchAll(PATTERN)].map(([word]) => `${file}:${String(index + 1)}: ${word}`),
    );

describe('The texts of the project', () => {
  it(`use rare words at most ${String(MAX_COUNT)} times`, () => {
    const uses = findRareWords();

    expect(uses.length > MAX_COUNT ? uses : []).toEqual([]);
  });
});

describe('The search for rare words', () => {
  it('finds whole words in any case', () => {
    const text = 'Nobody told\nthe storyteller: it is UNDER WAY, mended.';

    expect(findInText('a.md', text)).toEqual([
      'a.md:1: Nobody',
      'a.md:1: told',
      'a.md:2: UNDER WAY',
    ]);
  });
});
