/** The part of the package that tests use. It has no types of its own. */
declare module 'semver' {
  /** Whether every version in `range` is also in `of`. */
  export function subset(range: string, of: string): boolean;
}
