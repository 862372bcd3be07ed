import type { VerificationClosedReason } from '../common/label-values.js';

/**
 * The step that a browser's session has reached, with everything that the page shows. In the step
 * `number`, the page asks for a phone number; in the step `code`, for the code.
 */
export type DemoState =
  | { readonly step: 'number' }
  | {
      readonly step: 'code';
      /** The masked number. */
      readonly to: string;
      readonly validForSeconds: number;
      readonly resendInSeconds: number;
      /** How many digits the code has; absent if the service does not know. */
      readonly codeLength?: number;
      /** How many more codes can be tried; set only in the response to a wrong code. */
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
