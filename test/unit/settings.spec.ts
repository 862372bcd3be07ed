import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { SETTING_NAMES } from '../../src/config/config.module.js';
import { parseEnvironment } from '../../src/config/environment.js';
import { readConfig } from '../support/config.js';
import { envExample, GROUPS, settingsTables } from '../support/settings-reference.js';

const PAGE = 'docs/configuration.md';
const EXAMPLE = '.env.example';
/** Between these the page has what the schema says. */
const TABLES = /(?<=<!-- settings -->\n)[^]*(?=<!-- end of settings -->)/;

/** Every page for readers; settings with these prefixes are this service's own. */
const PAGES = execFileSync(
  'git',
  ['ls-files', '-co', '--exclude-standard', 'README.md', 'docs/*.md'],
  {
    encoding: 'utf8',
  },
)
  .trim()
  .split('\n');
/** Names with such a prefix that are no settings of the service: a client's, the sandbox's, Infobip's. */
const OTHERS = ['OTP_URL', 'OTP_API_KEY', 'SANDBOX_API_KEY', 'THROTTLE_EXCEPTION'];
const PREFIXED =
  /\b(?:OTP|API|SEND|SENDS|FAILED|CLIENT|PUMPING|THROTTLE|PROVIDER|INFOBIP|SINCH|SANDBOX|METRICS|SHUTDOWN|DATABASE|REDIS|TRUST|CORS|ALLOWED|BLOCKED|TEST)_[A-Z_]*[A-Z]\b/g;

const SETTINGS = GROUPS.flatMap(({ settings }) => settings);

/** What production cannot do without. */
const NEEDED = {
  NODE_ENV: 'production',
  OTP_SECRET: 'a master secret that only tests know of',
  API_KEYS: `shop:${'0'.repeat(64)}`,
  PROVIDERS: 'infobip,sinch',
  INFOBIP_BASE_URL: 'https://account.api.infobip.com',
  INFOBIP_API_KEY: 'key',
  INFOBIP_APP_ID: 'application',
  INFOBIP_MESSAGE_ID: 'message',
  SINCH_APPLICATION_KEY: 'key',
  SINCH_APPLICATION_SECRET: 'c2VjcmV0',
};

const formatted = (text: string): string =>
  execFileSync('node_modules/.bin/prettier', ['--stdin-filepath', PAGE], {
    encoding: 'utf8',
    input: text,
  });

describe('What is written about the settings', () => {
  const page = readFileSync(PAGE, 'utf8');

  it('is what their schema says (npm run settings)', () => {
    const written = formatted(page.replace(TABLES, () => `\n${settingsTables()}\n\n`));

    if (process.env['UPDATE_SETTINGS']) {
      writeFileSync(PAGE, written);
      writeFileSync(EXAMPLE, envExample());
    } else {
      expect(page).toBe(written);
      expect(readFileSync(EXAMPLE, 'utf8')).toBe(envExample());
    }
    expect(written).toMatch(TABLES);
  });

  it('changes nothing where a default is set as it stands in .env.example', () => {
    const defaults = parseEnv(readFileSync(EXAMPLE, 'utf8').replace(/^#(?=[A-Z])/gm, ''));

    expect(Object.keys(defaults).sort()).toEqual([...SETTING_NAMES].sort());
    expect(readConfig(parseEnvironment({ ...defaults, ...NEEDED }))).toEqual(
      readConfig(parseEnvironment(NEEDED)),
    );
  });

  it.each(SETTINGS.filter(({ example }) => example !== undefined))(
    'has an example of $name that can be used: $example',
    ({ name, example }) => {
      expect(() => parseEnvironment({ ...NEEDED, [name]: example })).not.toThrow();
    },
  );

  it.each(PAGES)('%s names no setting that does not exist', (page) => {
    const named = [...readFileSync(page, 'utf8').matchAll(PREFIXED)].map(([name]) => name);

    expect(named.filter((name) => ![...SETTING_NAMES, ...OTHERS].includes(name))).toEqual([]);
  });
});
