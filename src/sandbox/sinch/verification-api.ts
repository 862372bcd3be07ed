import { normalizeAddress } from '../address.js';
import type { ForcedOutcome } from '../faults/sandbox-fault.js';
import type { FixedPinStore } from '../fixed-pin-store.js';
import type { MessageChannel, MessageInbox } from '../message-inbox.js';
import { SinchError } from './api-error.js';
import { secretIn, type Method, type ReportRequest, type StartRequest } from './requests.js';
import { randomCaller, randomCode } from './secret.js';
import {
  begin,
  canBeReported,
  codeTypeOf,
  expire,
  finish,
  type Verification,
} from './verification.js';
import { VerificationStore } from './verification-store.js';

/** How long after the start the status of a number can be asked for. */
const FOUND_BY_NUMBER_MS = 60 * 60_000;

interface Surroundings {
  readonly phone: MessageInbox;
  readonly fixedPins: FixedPinStore;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Starts and judges verifications as Sinch does, in memory. */
export class VerificationApi {
  private readonly store = new VerificationStore();

  constructor(private readonly around: Surroundings) {}

  /**
   * Starts a verification; the one of that number that was open is aborted.
   * @throws SinchError 40200 for `no-credit`, 40900 for a reference that was there before.
   */
  start(request: StartRequest, effect?: ForcedOutcome): Verification {
    if (effect === 'no-credit') throw new SinchError(40200);
    const now = this.around.now();
    const verification = begin(request, { now, secret: this.secretFor(request), effect });
    const before = this.store.ofNumber(verification.endpoint);
    this.store.keep(verification);
    if (verification.status !== 'PENDING') return verification;
    for (const older of before) {
      if (expire(older, now).status === 'PENDING') finish(older, 'ABORTED');
    }
    this.deliver(verification);
    return verification;
  }

  /** Judges what was typed, once and for all. @throws SinchError 40400 where nothing is open. */
  reportById(id: string, report: ReportRequest, effect?: ForcedOutcome): Verification {
    return this.judge(this.store.withId(id), report, effect);
  }

  /** As {@link reportById}, of a number's newest. */
  reportByNumber(endpoint: string, report: ReportRequest, effect?: ForcedOutcome): Verification {
    return this.judge(this.store.ofNumber(endpoint).find(canBeReported), report, effect);
  }

  /** @throws SinchError 40400 */
  statusById(id: string): Verification {
    return this.current(this.store.withId(id));
  }

  /** @throws SinchError 40400 */
  statusByReference(reference: string): Verification {
    return this.current(this.store.withReference(reference));
  }

  /** The newest of a number by that method. @throws SinchError 40400, also if it is long ago. */
  statusByNumber(method: Method, endpoint: string): Verification {
    const since = this.around.now() - FOUND_BY_NUMBER_MS;
    const newest = this.store.ofNumber(endpoint).find((one) => one.method === method);
    return this.current(newest && newest.startedAt > since ? newest : undefined);
  }

  /** A device follows the target of its data verification. @throws SinchError 40400 */
  follow(id: string): void {
    const verification = this.current(this.store.withId(id));
    if (verification.method !== 'seamless' || verification.status !== 'PENDING')
      throw new SinchError(40400);
    finish(verification, 'SUCCESSFUL');
  }

  /** Whom a verification is about, if it is known. */
  endpointOf(id: string): string | undefined {
    return this.store.withId(id)?.endpoint;
  }

  private secretFor(request: StartRequest): string {
    const { method, identity } = request;
    if (method === 'seamless') return '';
    if (method === 'flashcall') return randomCaller();
    return this.around.fixedPins.findPin(identity.endpoint) ?? randomCode(codeTypeOf(request));
  }

  private deliver({ id, method, endpoint, secret, startedAt }: Verification): void {
    if (method === 'seamless') return;
    this.around.phone.addMessage({
      to: normalizeAddress(endpoint),
      from: method === 'flashcall' ? secret : 'Sinch',
      channel: CHANNELS[method],
      text: method === 'flashcall' ? `Missed call from ${secret}` : `Your code is ${secret}`,
      pin: secret,
      pinId: id,
      provider: 'sinch',
      sentAt: new Date(startedAt).toISOString(),
    });
  }

  private judge(
    found: Verification | undefined,
    report: ReportRequest,
    effect: ForcedOutcome | undefined,
  ): Verification {
    const verification = this.current(found);
    if (!canBeReported(verification)) throw new SinchError(40400);
    const { method, secret } = verification;
    if (report.method !== method) throw new SinchError(40001, `the method was ${method}`);
    if (verification.status !== 'PENDING') return verification;
    const right = secretIn(report) === secret && effect !== 'exhausted';
    if (effect === 'expired') finish(verification, 'FAIL', 'Expired');
    else if (right) finish(verification, 'SUCCESSFUL');
    else finish(verification, 'FAIL', method === 'flashcall' ? 'Invalid CLI' : 'Invalid code');
    return effect === 'wrong-msisdn' ? aboutAnother(verification) : verification;
  }

  private current(found: Verification | undefined): Verification {
    if (!found) throw new SinchError(40400);
    return expire(found, this.around.now());
  }
}

const CHANNELS: Record<Exclude<Method, 'seamless'>, MessageChannel> = {
  sms: 'sms',
  callout: 'voice',
  whatsapp: 'whatsapp',
  flashcall: 'flashcall',
};

function aboutAnother({ endpoint, ...verification }: Verification): Verification {
  const last = (Number(endpoint.slice(-1)) + 1) % 10;
  return { ...verification, endpoint: endpoint.slice(0, -1) + String(last) };
}
