/** Name of the global in which the jest environment finds the seed of a spec file. */
export const SEED_OF_FILE = 'seedOfFile';

/** The seed of this file's random choices: SEED, or the fallback. A failure prints how to replay it. */
export function seedOfFile(fallback = String(Date.now())): string {
  const seed = process.env['SEED'] ?? fallback;
  Object.assign(globalThis, { [SEED_OF_FILE]: seed });
  return seed;
}
