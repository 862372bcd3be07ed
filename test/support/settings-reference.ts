import type { Setting } from '../../src/config/define-config.js';
import type { SettingDocs } from '../../src/config/env-types.js';
import { NAMESPACES } from '../../src/config/config.module.js';

/** A setting, as its schema describes it. */
interface SettingEntry extends SettingDocs {
  readonly name: string;
  readonly meaning: string;
  readonly values: string;
}

/** The part of joi's description that settings use; its own type leaves most of it open. */
interface Described {
  readonly type: string;
  readonly flags?: { readonly default?: string | number | string[] };
  readonly allow?: readonly string[];
  readonly rules?: readonly { readonly name: string; readonly args?: { readonly limit: number } }[];
  readonly metas?: readonly Partial<SettingDocs>[];
}

/** What applies to a whole section. */
const INTROS: Readonly<Record<string, string>> = {
  'Secrets and clients':
    'Production requires `OTP_SECRET` and `API_KEYS`. `npm run keys:new -- NAME` makes a key and its entry.',
  Providers:
    'Production requires the credentials of each provider in `PROVIDERS`. Outside production, the sandbox replaces all providers or none.',
  'Fraud protection': 'Limits of unverified messages; see [fraud protection](fraud-protection.md).',
};

/** Every setting by its section: namespaces with one title share a section. */
export const GROUPS = [...new Set(NAMESPACES.map(({ section }) => section))].map((title) => ({
  title,
  intro: INTROS[title],
  settings: NAMESPACES.filter(({ section }) => section === title)
    .flatMap(({ settings }) => settings)
    .map(describeSetting),
}));

/** A table for each group, as Markdown. */
export const settingsTables = (): string =>
  GROUPS.map(({ title, intro, settings }) =>
    [
      `### ${title}`,
      ...(intro === undefined ? [] : [intro]),
      ['| Setting | Default | Values | Meaning |', '| --- | --- | --- | --- |']
        .concat(settings.map(rowOf))
        .join('\n'),
    ].join('\n\n'),
  ).join('\n\n');

/** What stands in `.env.example`: each setting with its default, all commented out. */
export const envExample = (): string =>
  [
    '# Copy to .env, and take the # away from what you set. What stands behind = is the default.',
    '# A variable of the environment wins over this file. docs/configuration.md says more of each;',
    '# both are written by `npm run settings`.',
    ...GROUPS.flatMap(({ title, settings }) => [
      '',
      `# --- ${title} ---`,
      ...settings.flatMap(({ name, meaning, defaultText = '', values, example }) => [
        // What the meaning has said already is not said again.
        `# ${meaning}${values && !meaning.includes(values) ? ` (${values})` : ''}`,
        ...(example === undefined ? [] : [`# such as ${example}`]),
        `#${name}=${defaultText}`,
      ]),
    ]),
    '',
  ].join('\n');

function rowOf({ name, defaultText, whenUnset = 'required', ...setting }: SettingEntry): string {
  const { developmentDefault, values, meaning } = setting;
  const always = defaultText === undefined ? whenUnset : `\`${defaultText}\``;
  const standing = developmentDefault === undefined ? always : `${always}; ${developmentDefault}†`;
  return `| \`${name}\` | ${standing} | ${values} | ${meaning} |`;
}

function describeSetting({ name, schema, docs }: Setting<unknown>): SettingEntry {
  const described = schema.describe() as Described;
  const defaultText = [described.flags?.default ?? ''].flat().join(',');
  return {
    values: valuesOf(described),
    ...(defaultText !== '' && { defaultText }),
    ...Object.assign({}, ...(described.metas ?? [])),
    ...docs,
    name,
    meaning: docs.description,
  };
}

/** What the rules of a schema say that a setting may be. */
function valuesOf({ type, allow, rules = [] }: Described): string {
  if (allow) return allow.map((word) => `\`${word}\``).join(', ');
  if (type === 'string') return '';
  const limit = (rule: string) => rules.find(({ name }) => name === rule)?.args?.limit;
  const [least, most] = [limit('min'), limit('max')];
  if (least === undefined || most === undefined) return 'port';
  return `${least.toLocaleString('en-US')} to ${most.toLocaleString('en-US')}`;
}
