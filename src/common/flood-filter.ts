/**
 * How many SMS to one number a provider delivers in a period. The provider drops further SMS
 * silently: its API responds as if they were sent. Dropped SMS are counted, too.
 */
export interface FloodFilter {
  /** At most this many SMS with the same code, and so with the same text. */
  readonly sameCode: number;
  /** At most this many SMS with any code. */
  readonly messages: number;
  /**
   * The period in which both are counted, in milliseconds. Longer than the lifetime of any code.
   */
  readonly windowMs: number;
}

/** The filters that may apply to a message, by the names of their providers. */
export type FloodFilters = ReadonlyMap<string, FloodFilter>;

export const NO_FLOOD_FILTERS: FloodFilters = new Map();
