/** What a provider said of one code. */
export type Verdict = 'verified' | 'wrong_code' | 'expired' | 'exhausted';
