/** Name of the global in which the jest environment finds the seed of a spec file. */
export const SEED_OF_FILE = 'seedOfFile';

/**
 * The seed of a spec file's random choices: the variable SEED, or the fallback. If a test of the file
 * fails, jest prints the command that repeats it with the same seed.
 */
export function seedOfFile(fallback = String(Date.now())): string {
  const seed = process.env['SEED'] ?? fallback;
  Object.assign(globalThis, { [SEED_OF_FILE]: seed });
  return seed;
}
