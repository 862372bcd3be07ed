import type { InfobipReportShape } from './infobip/delivery-report.js';
import type { InfobipErrorShape } from './infobip/infobip-error.js';

/** Settings that `PUT /sandbox/settings` changes while the sandbox runs. */
export interface SandboxSettings {
  /** Shape of Infobip errors, unless a fault sets its own. Default: `legacy`. */
  errorShape: InfobipErrorShape;
  /** Shape of Infobip's delivery reports. Default: `v3`. */
  reportShape: InfobipReportShape;
  /** Name of the header with the HMAC of a delivery report. Default: `x-signature`. */
  reportHmacHeader: string;
  /** The callback URL of the Sinch application. Default: empty, which sends no callbacks. */
  sinchCallbackUrl: string;
}

/** A valid header name (RFC 9110 §5.6.2). */
export const HEADER_NAME_PATTERN = /^[\w!#$%&'*+.^`|~-]+$/;
