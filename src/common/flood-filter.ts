/**
 * How many SMS to one number a provider passes on. It drops further ones silently: its API answers as
 * if they were sent. Dropped messages count, too.
 */
export interface FloodFilter {
  /** Messages with the same code, and so with the same text. */
  readonly sameCode: number;
  /** All messages. */
  readonly messages: number;
  /** In which time both are counted, in milliseconds. Longer than any code lives. */
  readonly windowMs: number;
}

/** The filters that may apply to a message, by the names of their providers. */
export type FloodFilters = ReadonlyMap<string, FloodFilter>;

export const NO_FLOOD_FILTERS: FloodFilters = new Map();
