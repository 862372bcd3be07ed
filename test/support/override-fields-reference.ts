import { OVERRIDE_FIELDS } from '../../src/clients/override-fields.js';
import { SETTING_SECTIONS } from './settings-reference.js';

/** The values of the fields in which a client may only be stricter than the setting. */
const AT_MOST: Readonly<Record<string, string>> = {
  otpTtl: 'at most `OTP_TTL`',
  otpMaxAttempts: 'at most `OTP_MAX_ATTEMPTS`',
  providers: 'a part of `PROVIDERS`',
};

/** The fields without a setting. */
const OWN_FIELDS = [
  ['`keys`', '–', 'list of SHA-256 hashes in hex', 'API keys of the client'],
  ['`locale`', '–', 'BCP 47 language tag', 'language of messages whose request has no `locale`'],
];

/** The table of the fields of a client in docs/clients.md, as Markdown. */
export function renderOverrideFields(): string {
  const settings = SETTING_SECTIONS.flatMap((section) => section.settings);
  const rows = OVERRIDE_FIELDS.map(({ name, setting }) => {
    const entry = settings.find((one) => one.name === setting.name);
    const values = AT_MOST[name] ?? entry?.values ?? '';
    return [`\`${name}\``, `\`${setting.name}\``, values, entry?.description ?? ''];
  });
  return [
    ['Field', 'Setting', 'Values', 'Meaning'],
    Array<string>(4).fill('---'),
    ...OWN_FIELDS,
    ...rows,
  ]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}
