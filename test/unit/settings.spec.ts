import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { parseClientsFile } from '../../src/clients/parse-clients-file.js';
import { SECRET_NAMES, SETTING_NAMES } from '../../src/config/config.module.js';
import { parseEnvironment } from '../../src/config/environment.js';
import { toFileVariable } from '../../src/config/secret-files.js';
import { renderOverrideFields } from '../support/override-fields-reference.js';
import { readConfig } from '../support/config.js';
import { readEnvLines } from '../support/deployment/manifests.js';
import { SECRETS_FILE } from '../support/deployment/pod-settings.js';
import {
  renderEnvExample,
  renderSettingTables,
  SETTING_SECTIONS,
} from '../support/settings-reference.js';

const PAGE = 'docs/configuration.md';
const EXAMPLE = '.env.example';
/** The generated part of the page is between these marks. */
const TABLES = /(?<=<!-- settings -->\n)[^]*(?=<!-- end of settings -->)/;

const CLIENTS_PAGE = 'docs/clients.md';
const CLIENTS_EXAMPLE = 'deploy/clients.example.yaml';
const FIELDS = /(?<=<!-- fields -->\n)[^]*(?=<!-- end of fields -->)/;
const EXAMPLE_FILE = /(?<=<!-- example -->\n)[^]*(?=<!-- end of example -->)/;

/** The documents for users. */
const PAGES = execFileSync(
  'git',
  ['ls-files', '-co', '--exclude-standard', 'README.md', 'docs/*.md'],
  {
    encoding: 'utf8',
  },
)
  .trim()
  .split('\n');
/** Names with the prefix of a setting that belong to clients, the sandbox, Infobip, Node or compose.yaml. */
const OTHER_NAMES = [
  'OTP_URL',
  'OTP_API_KEY',
  'SANDBOX_API_KEY',
  'SANDBOX_INFOBIP_REPORT_URL',
  'SANDBOX_INFOBIP_REPORT_TOKEN',
  'SANDBOX_INFOBIP_REPORT_HMAC_SECRET',
  'SANDBOX_INFOBIP_REPORT_HMAC_HEADER',
  'SANDBOX_SINCH_CALLBACK_URL',
  'THROTTLE_EXCEPTION',
  'REDIS_PASSWORD',
  'NODE_EXTRA_CA_CERTS',
  'NO_MORE_PIN_ATTEMPTS',
];
/** Names of several words whose first is that of a setting. */
const SETTING_LIKE_NAME = new RegExp(
  `\\b(?:${[...new Set(SETTING_NAMES.map((name) => name.split('_')[0]))].join('|')})_[A-Z_]*[A-Z]\\b`,
  'g',
);

const SETTINGS = SETTING_SECTIONS.flatMap(({ settings }) => settings);

/** The settings that production requires. */
const REQUIRED = {
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

const formatMarkdown = (text: string): string =>
  execFileSync('node_modules/.bin/prettier', ['--stdin-filepath', PAGE], {
    encoding: 'utf8',
    input: text,
  });

describe('The documentation of the settings', () => {
  const page = readFileSync(PAGE, 'utf8');

  it('is generated from their schema (npm run settings)', () => {
    const generated = formatMarkdown(page.replace(TABLES, () => `\n${renderSettingTables()}\n\n`));

    if (process.env['UPDATE_SETTINGS']) {
      writeFileSync(PAGE, generated);
      writeFileSync(EXAMPLE, renderEnvExample());
    } else {
      expect(page).toBe(generated);
      expect(readFileSync(EXAMPLE, 'utf8')).toBe(renderEnvExample());
    }
    expect(generated).toMatch(TABLES);
  });

  it('of a client is generated from the same schema (npm run settings)', () => {
    const page = readFileSync(CLIENTS_PAGE, 'utf8');
    const example = `\`\`\`yaml\n${readFileSync(CLIENTS_EXAMPLE, 'utf8')}\`\`\``;
    const generated = formatMarkdown(
      page
        .replace(EXAMPLE_FILE, () => `\n${example}\n\n`)
        .replace(FIELDS, () => `\n${renderOverrideFields()}\n\n`),
    );

    if (process.env['UPDATE_SETTINGS']) writeFileSync(CLIENTS_PAGE, generated);
    else expect(page).toBe(generated);
    expect(generated).toMatch(FIELDS);
  });

  it('of a client has an example file that the service can use', () => {
    const text = readFileSync(CLIENTS_EXAMPLE, 'utf8');
    const { clients } = parseClientsFile(text, parseEnvironment(REQUIRED));

    expect(clients.map(({ name }) => name)).toEqual(['shop', 'bank', 'prometheus']);
  });

  it('changes nothing when every default of .env.example is set', () => {
    const defaults = parseEnv(readFileSync(EXAMPLE, 'utf8').replace(/^#(?=[A-Z])/gm, ''));

    expect(Object.keys(defaults).sort()).toEqual([...SETTING_NAMES].sort());
    expect(readConfig(parseEnvironment({ ...defaults, ...REQUIRED }))).toEqual(
      readConfig(parseEnvironment(REQUIRED)),
    );
  });

  it.each(SETTINGS.filter(({ example }) => example !== undefined))(
    'has a valid example for $name: $example',
    ({ name, example }) => {
      // The service does not accept API_KEYS beside CLIENTS_FILE.
      const others = name === 'CLIENTS_FILE' ? { ...REQUIRED, API_KEYS: '' } : REQUIRED;
      expect(() => parseEnvironment({ ...others, [name]: example })).not.toThrow();
    },
  );

  it.each(PAGES)('%s names only existing settings', (page) => {
    const names = [...readFileSync(page, 'utf8').matchAll(SETTING_LIKE_NAME)].map(([name]) => name);

    const allowedNames = [...SETTING_NAMES, ...SECRET_NAMES.map(toFileVariable), ...OTHER_NAMES];
    expect(names.filter((name) => !allowedNames.includes(name))).toEqual([]);
  });

  it('marks every secret of the Kubernetes manifests with ‡: a file can give its value', () => {
    const secrets = readEnvLines(SECRETS_FILE).map(({ name }) => name);

    expect(secrets.filter((name) => !page.includes(`| \`${name}\`‡ `))).toEqual([]);
  });
});
