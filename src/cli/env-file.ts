import { readFileSync, writeFileSync } from 'node:fs';

/**
 * Writes settings into a `.env`: each in place where it stands, else at the end. Everything else in
 * the file stays. A new file can be read by its owner only, because a key will join them.
 */
export function writeEnvFile(file: string, settings: Readonly<Record<string, string>>): void {
  writeFileSync(file, withSettings(contentOf(file), settings), { mode: 0o600 });
}

/** These settings as lines of a `.env`. */
export function envLines(settings: Readonly<Record<string, string>>): string[] {
  return Object.entries(settings).map(([name, value]) => `${name}=${quoted(value)}`);
}

function withSettings(content: string, settings: Readonly<Record<string, string>>): string {
  const eol = content.includes('\r\n') ? '\r\n' : '\n';
  const missing = new Map(Object.entries(settings));
  const kept = content.split(/\r?\n/).flatMap((line) => {
    const [, prefix = '', name = ''] = /^(\s*(?:export\s+)?)([A-Za-z_]\w*)\s*=/.exec(line) ?? [];
    const value = settings[name];
    if (value === undefined) return [line];
    // A second line of the same name goes: the last one would win.
    return missing.delete(name) ? [`${prefix}${name}=${quoted(value)}`] : [];
  });
  if (kept.at(-1) === '') kept.pop();
  return [...kept, ...envLines(Object.fromEntries(missing)), ''].join(eol);
}

const quoted = (value: string): string => (/^[\w.:/@-]*$/.test(value) ? value : `"${value}"`);

function contentOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
