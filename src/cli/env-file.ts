import { existsSync, readFileSync, writeFileSync } from 'node:fs';

/**
 * Writes settings into a `.env`: replaces existing lines, appends missing ones, keeps the rest. A new
 * file is readable by its owner only, because the operator may add an API key.
 */
export function writeEnvFile(file: string, settings: Readonly<Record<string, string>>): void {
  const content = existsSync(file) ? readFileSync(file, 'utf8') : '';
  writeFileSync(file, replaceSettings(content, settings), { mode: 0o600 });
}

/** The settings as lines of a `.env`. */
export function toEnvLines(settings: Readonly<Record<string, string>>): string[] {
  return Object.entries(settings).map(([name, value]) => `${name}=${quoteIfNeeded(value)}`);
}

function replaceSettings(content: string, settings: Readonly<Record<string, string>>): string {
  const eol = content.includes('\r\n') ? '\r\n' : '\n';
  const remaining = new Map(Object.entries(settings));
  const kept = content.split(/\r?\n/).flatMap((line) => {
    const [, prefix = '', name = ''] = /^(\s*(?:export\s+)?)([A-Za-z_]\w*)\s*=/.exec(line) ?? [];
    const value = settings[name];
    if (value === undefined) return [line];
    // Replaces the first line of a setting and drops later ones, of which dotenv would use the last.
    return remaining.delete(name) ? [`${prefix}${name}=${quoteIfNeeded(value)}`] : [];
  });
  if (kept.at(-1) === '') kept.pop();
  return [...kept, ...toEnvLines(Object.fromEntries(remaining)), ''].join(eol);
}

const quoteIfNeeded = (value: string): string =>
  /^[\w.:/@,-]*$/.test(value) ? value : `"${value}"`;
