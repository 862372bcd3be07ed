import type { Attempt, VerifiedResult } from './attempt.types.js';

/** The result of an attempt whose code was right, with the proof if the client asked for one. */
export const toVerifiedResult = ({ proof }: Attempt): VerifiedResult =>
  proof === undefined ? { verified: true } : { verified: true, proof };
