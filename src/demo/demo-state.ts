import type { VerificationClosedReason } from '../common/label-values.js';

/**
 * The step that a browser's session has reached, and all that the page gets to know about it. In the steps
 * `number` and `code`, the page asks the end user for these.
 */
export type DemoState =
  | { readonly step: 'number' }
  | {
      readonly step: 'code';
      /** The masked number. */
      readonly to: string;
      readonly validForSeconds: number;
      readonly resendInSeconds: number;
      /** How many digits the code has, if the service says so. */
      readonly codeLength?: number;
      /** Only after a wrong code: how many more codes can be tried. */
      readonly triesLeft?: number;
    }
  | {
      /** The code can no longer be verified. */
      readonly step: 'over';
      readonly to: string;
      readonly reason: VerificationClosedReason;
      readonly resendInSeconds: number;
    }
  | { readonly step: 'verified'; readonly to: string };
