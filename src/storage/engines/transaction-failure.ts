/**
 * What is known of a failed transaction.
 * - `repeatable`: it was rolled back, and repeating it at once helps: it conflicted with another
 *   one, or its connection led to a server that is no longer the primary.
 * - `unknown`: it may have been committed, as the answer to its commit was lost.
 * - `unavailable`: it was not committed, and repeating it later may help.
 * - `permanent`: it was not committed, and repeating it does not help.
 */
export type TransactionFailure = 'repeatable' | 'unknown' | 'unavailable' | 'permanent';
