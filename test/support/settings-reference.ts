import type Joi from 'joi';
import type { SettingMeta } from '../../src/config/setting-kinds.js';
import { SETTING_GROUPS } from '../../src/config/environment.js';

/** A setting, as its schema describes it. */
interface Setting extends SettingMeta {
  readonly name: string;
  readonly meaning: string;
  readonly values: string;
  readonly example: string | undefined;
}

/** The part of joi's description that settings use; its own type leaves most of it open. */
interface Described {
  readonly type: string;
  readonly flags?: { readonly description?: string; readonly default?: string | number | string[] };
  readonly allow?: readonly string[];
  readonly rules?: readonly { readonly name: string; readonly args?: { readonly limit: number } }[];
  readonly metas?: readonly SettingMeta[];
  readonly examples?: readonly string[];
}

/** Every setting of the schema, by its group. */
export const GROUPS = SETTING_GROUPS.map(({ title, about, settings }) => ({
  title,
  about,
  settings: Object.entries(settings).map(([name, schema]) => read(name, schema)),
}));

/** A table for each group, as Markdown. */
export const settingsTables = (): string =>
  GROUPS.map(({ title, about, settings }) =>
    [
      `### ${title}`,
      ...(about === undefined ? [] : [about]),
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
      ...settings.flatMap(({ name, meaning, fallback = '', values, example }) => [
        // What the meaning has said already is not said again.
        `# ${meaning}${values && !meaning.includes(values) ? ` (${values})` : ''}`,
        ...(example === undefined ? [] : [`# such as ${example}`]),
        `#${name}=${fallback}`,
      ]),
    ]),
    '',
  ].join('\n');

function rowOf({ name, fallback, unset = 'required', ...setting }: Setting): string {
  const { development, values, meaning } = setting;
  const always = fallback === undefined ? unset : `\`${fallback}\``;
  const standing = development === undefined ? always : `${always}; ${development}†`;
  return `| \`${name}\` | ${standing} | ${values} | ${meaning} |`;
}

function read(name: string, schema: Joi.Schema): Setting {
  const described = schema.describe() as Described;
  const meta = Object.assign({}, ...(described.metas ?? [])) as SettingMeta;
  const { default: given, description } = described.flags ?? {};
  const fallback = [given ?? ''].flat().join(',');
  if (description === undefined) throw new Error(`Nothing says what ${name} means.`);
  return {
    values: valuesOf(described),
    ...(fallback !== '' && { fallback }),
    ...meta,
    name,
    meaning: description,
    example: described.examples?.[0],
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
