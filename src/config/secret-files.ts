import { readFileSync } from 'node:fs';

/** The variable that names the file of a setting, as in official container images. */
export const toFileVariable = (name: string): string => `${name}_FILE`;

/** The result of reading the files of secrets. */
interface SecretFiles {
  /** Secrets by the name of the setting. */
  readonly values: Readonly<Record<string, string>>;
  /**
   * A sentence for each variable that cannot be used. Never with the path, which could be the
   * secret itself.
   */
  readonly errors: readonly string[];
  /** The settings whose file could not be read. */
  readonly unread: readonly string[];
}

/**
 * Reads the secrets whose variable, such as `OTP_SECRET_FILE`, names a file. Files are read once, at the
 * start. Line breaks at the end are removed.
 * @param names the settings that may have a file
 */
export function readSecretFiles(
  variables: NodeJS.ProcessEnv,
  names: readonly string[],
): SecretFiles {
  const values: Record<string, string> = {};
  const errors: string[] = [];
  const unread: string[] = [];
  for (const name of names) {
    const variable = toFileVariable(name);
    const path = variables[variable] ?? '';
    if (path === '') continue;
    if (variables[name]) {
      errors.push(`${name} and ${variable} are both set: remove one of them`);
      continue;
    }
    try {
      values[name] = readSecret(path);
    } catch (error) {
      errors.push(`${variable} must name a readable file: ${describeFileProblem(error as Error)}`);
      unread.push(name);
    }
  }
  return { values, errors, unread };
}

/** @throws Error if the file cannot be read, is empty or is not UTF-8 text. */
const readSecret = (path: string): string => decodeFile(readFileSync(path)).replace(/[\r\n]+$/, '');

/** The text of a file. @throws Error if it is empty or is not UTF-8 text. */
export function decodeFile(content: Uint8Array): string {
  // Rejects random bytes: as text, they would lose most of their randomness.
  const text = new TextDecoder('utf-8', { fatal: true }).decode(content);
  if (text.trim() === '') throw new Error('it is empty');
  return text;
}

const PROBLEMS: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist (ENOENT)',
  ENOTDIR: 'a part of its path is no folder (ENOTDIR)',
  EISDIR: 'it is a folder (EISDIR)',
  EACCES: "let the service's user read it (EACCES)",
  ERR_ENCODING_INVALID_ENCODED_DATA: 'it is not UTF-8 text',
};

/** Why a file could not be read. Never the message of a system error, which contains the path. */
export function describeFileProblem(error: NodeJS.ErrnoException): string {
  const { code } = error;
  if (code === undefined) return error.message;
  return PROBLEMS[code] ?? `it cannot be read (${code})`;
}
