import { VERIFICATION_PRICE } from './sinch-responses.js';
import { SINCH_STATUSES, type SinchVerification } from './sinch-verification.js';

/** Builds the event that asks the application's server whether the verification may start. */
export function buildRequestEvent(verification: SinchVerification): object {
  return { ...buildEvent('VerificationRequestEvent', verification), price: VERIFICATION_PRICE };
}

/** Builds the event that reports a status of the verification. */
export function buildResultEvent(
  verification: SinchVerification,
  status: string,
  reason: string | undefined,
): object {
  return { ...buildEvent('VerificationResultEvent', verification), status, reason };
}

/** Builds the event that reports the delivery of an SMS. @param smsResult `Successful` or `Failed` */
export function buildDeliveredEvent(verification: SinchVerification, smsResult: string): object {
  return { ...buildEvent('VerificationSmsDeliveredEvent', verification), smsResult };
}

/** Whether this is the status of a result event. Otherwise it is the `smsResult` of a delivered event. */
export function isResultStatus(status: string): boolean {
  return (SINCH_STATUSES as readonly string[]).includes(status);
}

function buildEvent(event: string, verification: SinchVerification): object {
  const { id, method, number: endpoint, reference, custom } = verification;
  return { id, event, method, identity: { type: 'number', endpoint }, reference, custom };
}
