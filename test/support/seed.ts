/** The global by which jest's environment finds the seed of a spec file. */
export const SEED_OF_FILE = 'seedOfFile';

/** What this file's random choices start from: SEED, or the fallback. A failure prints how to replay it. */
export function seedOfFile(fallback = String(Date.now())): string {
  const seed = process.env['SEED'] ?? fallback;
  Object.assign(globalThis, { [SEED_OF_FILE]: seed });
  return seed;
}
