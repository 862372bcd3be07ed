import { readFileSync } from 'node:fs';

/**
 * The release of libphonenumber-js in package-lock.json, which contains the numbering plans, and the
 * day of its publication by `npm view libphonenumber-js time`. Change both with every update.
 */
const NUMBERING_PLANS = { version: '1.13.16', publishedOn: '2026-11-10' };
/** Google publishes new plans about every two weeks. */
const MAX_AGE_DAYS = 8 * 7;

const DAY_MS = 24 * 60 * 60 * 1_000;
const HEADING = /^## \d+\.\d+\.\d+, (?:not released yet|(?<releasedOn>\d{4}-\d{2}-\d{2}))$/m;

/** How old the plans were on the day of a changelog's newest release; -1 if it is not released yet. */
function getAgeInDays(changelog: string, publishedOn: string): number {
  const [heading] = /^## .*$/m.exec(changelog) ?? [''];
  const match = HEADING.exec(heading);
  if (!match) throw new Error('The newest heading must be like "## 1.2.3, 2026-12-31"');
  const { releasedOn } = match.groups ?? {};
  if (releasedOn === undefined) return -1;
  return (Date.parse(releasedOn) - Date.parse(publishedOn)) / DAY_MS;
}

const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
  packages: Record<string, { version: string }>;
};

describe('The numbering plans of a release', () => {
  it('come from the libphonenumber-js version whose publication day this test records', () => {
    const copies = Object.entries(packages).filter(([path]) => path.endsWith('/libphonenumber-js'));

    expect(copies.map(([, { version }]) => version)).toEqual([NUMBERING_PLANS.version]);
  });

  // The age on the day of the release, so that an old commit passes at any time.
  it('were at most eight weeks old on the day of the release', () => {
    const changelog = readFileSync('CHANGELOG.md', 'utf8');
    const age = getAgeInDays(changelog, NUMBERING_PLANS.publishedOn);

    // If this fails: npm install libphonenumber-js@latest
    expect(age).toBeLessThanOrEqual(MAX_AGE_DAYS);
  });
});

describe('The age of the numbering plans', () => {
  const PUBLISHED_ON = '2026-10-08';

  it.each([
    ['2026-10-08', 0],
    ['2026-12-03', MAX_AGE_DAYS],
    ['2026-12-04', MAX_AGE_DAYS + 1],
  ])('counts to the day of the newest release (%s)', (day, age) => {
    const changelog = `# Changes\n\n## 0.2.0, ${day}\n\n## 0.1.0, 2030-01-01\n`;

    expect(getAgeInDays(changelog, PUBLISHED_ON)).toBe(age);
  });

  it('is not counted before a release', () => {
    const changelog = '# Changes\n\n## 0.2.0, not released yet\n\n## 0.1.0, 2030-01-01\n';

    expect(getAgeInDays(changelog, PUBLISHED_ON)).toBe(-1);
  });

  const INVALID_HEADINGS = ['## 0.2.0', '## 0.2.0, soon', ''];

  it.each(INVALID_HEADINGS)('needs a date or "not released yet" in the heading (%s)', (heading) => {
    expect(() => getAgeInDays(`# Changes\n\n${heading}\n`, PUBLISHED_ON)).toThrow('must be like');
  });
});
