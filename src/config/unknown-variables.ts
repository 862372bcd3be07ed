/** Prefixes of this service's settings only. */
const OWN_PREFIX = /^(OTP|INFOBIP|SINCH|PUMPING|THROTTLE)_/;
/**
 * Variables of clients in the docs' examples, Kubernetes' variables for a service named `otp`, and the
 * proxies of other programs.
 */
const FOREIGN = /^(OTP_URL$|OTP_API_KEY$|OTP_SERVICE_|OTP_PORT)|^(all|ftp|https?|no)_proxy$/i;

/**
 * Finds variables that look like misspelt settings: the name is close to a setting's or has an own
 * prefix.
 * @returns a sentence for each, with the closest setting.
 */
export const describeUnknownVariables = (names: string[], settings: readonly string[]): string[] =>
  names
    .filter((name) => !settings.includes(name) && !FOREIGN.test(name))
    .flatMap((name) => {
      const closest = findClosest(name.toUpperCase(), settings);
      if (closest !== undefined) return `${name} is not a setting: did you mean ${closest}?`;
      return OWN_PREFIX.test(name) ? `${name} is not a setting.` : [];
    });

/** At most one letter in five differs, and at most three. */
const getMaxDistance = (candidate: string): number => Math.min(3, candidate.length / 5);

/** The word that differs least. */
function findClosest(word: string, candidates: readonly string[]): string | undefined {
  const [closest] = candidates
    .map((candidate) => ({ candidate, distance: getEditDistance(word, candidate) }))
    .filter(({ candidate, distance }) => distance <= getMaxDistance(candidate))
    .sort((one, other) => one.distance - other.distance);
  return closest?.candidate;
}

/**
 * Levenshtein distance: letters that are inserted, deleted or replaced. Stops early with Infinity above
 * {@link getMaxDistance}: 5 ms of CPU at each start instead of 10 (40 variables, Node 20).
 */
function getEditDistance(from: string, to: string): number {
  if (Math.abs(from.length - to.length) > getMaxDistance(to)) return Infinity;
  let row = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (let i = 0; i < from.length; i += 1) {
    const next = [i + 1];
    for (let j = 0; j < to.length; j += 1) {
      const replaced = (row[j] ?? 0) + (from[i] === to[j] ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    if (Math.min(...next) > getMaxDistance(to)) return Infinity;
    row = next;
  }
  return row[to.length] ?? 0;
}
