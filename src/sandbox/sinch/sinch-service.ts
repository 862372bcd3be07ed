import { normalizeAddress } from '../address.js';
import type { ForcedOutcome } from '../faults/sandbox-fault.js';
import type { FixedPinStore } from '../fixed-pin-store.js';
import type { MessageChannel, MessageInbox } from '../message-inbox.js';
import { SinchError } from './sinch-error.js';
import {
  getSubmittedCode,
  type SinchMethod,
  type SinchReportRequest,
  type SinchStartRequest,
} from './sinch-requests.js';
import { generateCallerNumber, generateCode } from './sinch-codes.js';
import {
  createVerification,
  isReportable,
  getCodeType,
  expireIfDue,
  closeVerification,
  type SinchVerification,
} from './sinch-verification.js';
import { SinchVerificationStore } from './sinch-verification-store.js';

/** How long after the start the status of a number can be asked for. */
const NUMBER_LOOKUP_MS = 60 * 60_000;

interface SinchServiceDependencies {
  readonly inbox: MessageInbox;
  readonly fixedPins: FixedPinStore;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Starts and judges verifications as Sinch does, in memory. */
export class SinchService {
  private readonly store = new SinchVerificationStore();

  constructor(private readonly deps: SinchServiceDependencies) {}

  /**
   * Starts a verification; the one of that number that was open is aborted.
   * @throws SinchError 40200 for `no-credit`, 40900 for a reference that was there before.
   */
  startVerification(request: SinchStartRequest, effect?: ForcedOutcome): SinchVerification {
    if (effect === 'no-credit') throw new SinchError(40200);
    const now = this.deps.now();
    const verification = createVerification(request, {
      now,
      secret: this.createCode(request),
      effect,
    });
    const before = this.store.listByNumber(verification.endpoint);
    this.store.addVerification(verification);
    if (verification.status !== 'PENDING') return verification;
    for (const older of before) {
      if (expireIfDue(older, now).status === 'PENDING') closeVerification(older, 'ABORTED');
    }
    this.deliverCode(verification);
    return verification;
  }

  /** Judges what was typed, once and for all. @throws SinchError 40400 where nothing is open. */
  reportById(id: string, report: SinchReportRequest, effect?: ForcedOutcome): SinchVerification {
    return this.checkReport(this.store.findById(id), report, effect);
  }

  /** As {@link reportById}, of a number's newest. */
  reportByNumber(
    endpoint: string,
    report: SinchReportRequest,
    effect?: ForcedOutcome,
  ): SinchVerification {
    return this.checkReport(this.store.listByNumber(endpoint).find(isReportable), report, effect);
  }

  /** @throws SinchError 40400 */
  getById(id: string): SinchVerification {
    return this.getCurrent(this.store.findById(id));
  }

  /** @throws SinchError 40400 */
  getByReference(reference: string): SinchVerification {
    return this.getCurrent(this.store.findByReference(reference));
  }

  /** The newest of a number by that method. @throws SinchError 40400, also if it is long ago. */
  getByNumber(method: SinchMethod, endpoint: string): SinchVerification {
    const since = this.deps.now() - NUMBER_LOOKUP_MS;
    const newest = this.store.listByNumber(endpoint).find((one) => one.method === method);
    return this.getCurrent(newest && newest.startedAt > since ? newest : undefined);
  }

  /** A device follows the target of its data verification. @throws SinchError 40400 */
  completeDataVerification(id: string): void {
    const verification = this.getCurrent(this.store.findById(id));
    if (verification.method !== 'seamless' || verification.status !== 'PENDING')
      throw new SinchError(40400);
    closeVerification(verification, 'SUCCESSFUL');
  }

  /** Whom a verification is about, if it is known. */
  findEndpoint(id: string): string | undefined {
    return this.store.findById(id)?.endpoint;
  }

  private createCode(request: SinchStartRequest): string {
    const { method, identity } = request;
    if (method === 'seamless') return '';
    if (method === 'flashcall') return generateCallerNumber();
    return this.deps.fixedPins.findPin(identity.endpoint) ?? generateCode(getCodeType(request));
  }

  private deliverCode({
    id,
    method,
    endpoint,
    expectedCode: secret,
    startedAt,
  }: SinchVerification): void {
    if (method === 'seamless') return;
    this.deps.inbox.addMessage({
      to: normalizeAddress(endpoint),
      from: method === 'flashcall' ? secret : 'Sinch',
      channel: CHANNEL_BY_METHOD[method],
      text: method === 'flashcall' ? `Missed call from ${secret}` : `Your code is ${secret}`,
      pin: secret,
      pinId: id,
      provider: 'sinch',
      sentAt: new Date(startedAt).toISOString(),
    });
  }

  private checkReport(
    found: SinchVerification | undefined,
    report: SinchReportRequest,
    effect: ForcedOutcome | undefined,
  ): SinchVerification {
    const verification = this.getCurrent(found);
    if (!isReportable(verification)) throw new SinchError(40400);
    const { method, expectedCode: secret } = verification;
    if (report.method !== method) throw new SinchError(40001, `the method was ${method}`);
    if (verification.status !== 'PENDING') return verification;
    const right = getSubmittedCode(report) === secret && effect !== 'exhausted';
    if (effect === 'expired') closeVerification(verification, 'FAIL', 'Expired');
    else if (right) closeVerification(verification, 'SUCCESSFUL');
    else
      closeVerification(
        verification,
        'FAIL',
        method === 'flashcall' ? 'Invalid CLI' : 'Invalid code',
      );
    return effect === 'wrong-msisdn' ? withWrongNumber(verification) : verification;
  }

  private getCurrent(found: SinchVerification | undefined): SinchVerification {
    if (!found) throw new SinchError(40400);
    return expireIfDue(found, this.deps.now());
  }
}

const CHANNEL_BY_METHOD: Record<Exclude<SinchMethod, 'seamless'>, MessageChannel> = {
  sms: 'sms',
  callout: 'voice',
  whatsapp: 'whatsapp',
  flashcall: 'flashcall',
};

function withWrongNumber({ endpoint, ...verification }: SinchVerification): SinchVerification {
  const last = (Number(endpoint.slice(-1)) + 1) % 10;
  return { ...verification, endpoint: endpoint.slice(0, -1) + String(last) };
}
