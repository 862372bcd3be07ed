import type { InfobipErrorShape } from './infobip/infobip-error.js';

/** Settings that `PUT /sandbox/settings` changes while the sandbox runs. */
export interface SandboxSettings {
  /** Shape of Infobip errors, unless a fault sets its own. Default: `legacy`. */
  errorShape: InfobipErrorShape;
}
