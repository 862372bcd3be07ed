import type { ErrorShape } from './infobip/infobip-error.js';

/** What `PUT /sandbox/settings` changes. */
export interface SandboxSettings {
  /** Shape of every error that no fault decides otherwise. Default: `legacy`. */
  errorShape: ErrorShape;
}
