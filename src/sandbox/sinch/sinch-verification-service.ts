// This folder simulates the Sinch Verification API: start, report and status of verifications.
// Routes check the request and call SinchVerificationService. Data is kept in memory only.
import { createOtherRecipient } from '../recipient.js';
import type { ForcedOutcome } from '../faults/sandbox-fault.js';
import type { FixedPinStore } from '../fixed-pin-store.js';
import type { MessageInbox } from '../message-inbox.js';
import type { SinchCallbacks } from './sinch-callbacks.js';
import { generateCallerNumber, generateSinchCode } from './sinch-codes.js';
import { SinchError } from './sinch-error.js';
import type { SinchLanguage } from './sinch-languages.js';
import { buildInboxMessage } from './sinch-message.js';
import {
  getSubmittedCode,
  type SinchMethod,
  type SinchReportRequest,
  type SinchStartRequest,
} from './sinch-requests.js';
import {
  closeVerification,
  createVerification,
  expireIfDue,
  getCodeType,
  isReportable,
  type SinchVerification,
} from './sinch-verification.js';
import { SinchVerificationStore } from './sinch-verification-store.js';

/** How long after its start the status of a verification can be read by phone number. */
const NUMBER_LOOKUP_MS = 60 * 60_000;

interface SinchVerificationDependencies {
  readonly inbox: MessageInbox;
  readonly fixedPins: FixedPinStore;
  readonly callbacks: SinchCallbacks;
  /** The time by the sandbox's clock, in milliseconds since the epoch. */
  readonly now: () => number;
}

/** Starts verifications and checks submitted codes as Sinch does. Sinch calls the submission a report. */
export class SinchVerificationService {
  private readonly store = new SinchVerificationStore();
  /** The verifications whose start the callback has not allowed or denied yet. */
  private readonly awaitingPermission = new Set<SinchVerification>();

  constructor(private readonly deps: SinchVerificationDependencies) {}

  /**
   * Starts a verification if the callback allows it, and then aborts the pending verification of the same
   * number. Of two starts at the same time, the one that is allowed last aborts the other.
   * @param language of an SMS or a WhatsApp message; calls are in English.
   * @throws SinchError 40200 for the outcome `no-credit`, 40900 for a reference that is already in use.
   */
  async startVerification(
    request: SinchStartRequest,
    language: SinchLanguage,
    forcedOutcome?: ForcedOutcome,
  ): Promise<SinchVerification> {
    if (forcedOutcome === 'no-credit') throw new SinchError(40200);
    const { inbox, callbacks, now } = this.deps;
    const verification = createVerification(request, {
      now: now(),
      expectedCode: this.createCode(request),
      forcedOutcome,
      language,
    });
    this.store.addVerification(verification);
    if (verification.status === 'PENDING') await this.requestPermission(verification);
    else callbacks.reportResult(verification);
    if (verification.status !== 'PENDING') return verification;
    for (const other of this.store.listByNumber(verification.number)) {
      if (other === verification || this.awaitingPermission.has(other)) continue;
      this.expireAndReport(other);
      if (other.status === 'PENDING') this.closeAndReport(other, 'ABORTED');
    }
    const message = buildInboxMessage(verification);
    if (message) inbox.addMessage(message);
    await callbacks.reportDelivery(verification);
    return verification;
  }

  /**
   * Checks a submitted code, which closes the verification.
   * @throws SinchError 40400 if the verification is unknown or was closed before its expiry, 40001 if its
   * method is another.
   */
  reportById(
    id: string,
    report: SinchReportRequest,
    forcedOutcome?: ForcedOutcome,
  ): SinchVerification {
    return this.checkReport(this.store.findById(id), report, forcedOutcome);
  }

  /** Like {@link reportById}, for the newest verification of a number that can be reported. */
  reportByNumber(
    number: string,
    report: SinchReportRequest,
    forcedOutcome?: ForcedOutcome,
  ): SinchVerification {
    return this.checkReport(
      this.store.listByNumber(number).find(isReportable),
      report,
      forcedOutcome,
    );
  }

  /** @throws SinchError 40400 for an unknown id. */
  getById(id: string): SinchVerification {
    return this.requireCurrent(this.store.findById(id));
  }

  /** @throws SinchError 40400 for an unknown reference. */
  getByReference(reference: string): SinchVerification {
    return this.requireCurrent(this.store.findByReference(reference));
  }

  /**
   * Gets the newest verification of a number by this method.
   * @throws SinchError 40400 if there is none, or if it started more than an hour ago.
   */
  getByNumber(method: SinchMethod, number: string): SinchVerification {
    const earliestStart = this.deps.now() - NUMBER_LOOKUP_MS;
    const newest = this.store.listByNumber(number).find((item) => item.method === method);
    return this.requireCurrent(newest && newest.startedAt > earliestStart ? newest : undefined);
  }

  /**
   * Makes a seamless verification successful, because the phone opened its target URL.
   * @throws SinchError 40400 if no such verification is pending.
   */
  completeSeamlessVerification(id: string): void {
    const verification = this.getById(id);
    if (verification.method !== 'seamless' || verification.status !== 'PENDING')
      throw new SinchError(40400);
    this.closeAndReport(verification, 'SUCCESSFUL');
  }

  /** @returns the phone number; `undefined` for an unknown verification. */
  findNumber(id: string): string | undefined {
    return this.store.findById(id)?.number;
  }

  /** Like {@link findNumber}, by the reference of the client. */
  findNumberByReference(reference: string): string | undefined {
    return this.store.findByReference(reference)?.number;
  }

  /** Closes the verification if the callback does not allow it. */
  private async requestPermission(verification: SinchVerification): Promise<void> {
    this.awaitingPermission.add(verification);
    const permission = await this.deps.callbacks
      .requestPermission(verification)
      .finally(() => this.awaitingPermission.delete(verification));
    // A verification that was closed in the meantime has been reported already.
    if (permission !== 'allow' && verification.status === 'PENDING')
      this.closeAndReport(verification, 'DENIED', permission);
  }

  private createCode(request: SinchStartRequest): string {
    const { method, identity } = request;
    if (method === 'seamless') return '';
    if (method === 'flashcall') return generateCallerNumber();
    return (
      this.deps.fixedPins.findPin(identity.endpoint) ?? generateSinchCode(getCodeType(request))
    );
  }

  private checkReport(
    found: SinchVerification | undefined,
    report: SinchReportRequest,
    forcedOutcome: ForcedOutcome | undefined,
  ): SinchVerification {
    const verification = this.requireCurrent(found);
    if (!isReportable(verification)) throw new SinchError(40400);
    const { method, expectedCode, number } = verification;
    if (report.method !== method)
      throw new SinchError(40001, `"method" must be ${method}, the method of the start`);
    // Only an expired verification gets here without being pending.
    if (verification.status !== 'PENDING') return verification;
    const isCorrect = getSubmittedCode(report) === expectedCode && forcedOutcome !== 'exhausted';
    const failureReason = method === 'flashcall' ? 'Invalid CLI' : 'Invalid code';
    if (forcedOutcome === 'expired') this.closeAndReport(verification, 'FAIL', 'Expired');
    else if (isCorrect) this.closeAndReport(verification, 'SUCCESSFUL');
    else this.closeAndReport(verification, 'FAIL', failureReason);
    if (forcedOutcome !== 'wrong-msisdn') return verification;
    return { ...verification, number: createOtherRecipient(number) };
  }

  /** @returns the verification with its status updated, if it has expired. @throws SinchError 40400 */
  private requireCurrent(found: SinchVerification | undefined): SinchVerification {
    if (!found) throw new SinchError(40400);
    this.expireAndReport(found);
    return found;
  }

  private expireAndReport(verification: SinchVerification): void {
    const { status } = verification;
    expireIfDue(verification, this.deps.now());
    if (verification.status !== status) this.deps.callbacks.reportResult(verification);
  }

  private closeAndReport(...closing: Parameters<typeof closeVerification>): void {
    closeVerification(...closing);
    this.deps.callbacks.reportResult(closing[0]);
  }
}
