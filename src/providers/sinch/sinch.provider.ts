import { Inject, Injectable } from '@nestjs/common';
import type { Channel } from '../../common/channel.js';
import type { PhoneNumber } from '../../common/phone-number.js';
import type { Verdict } from '../../common/verdict.js';
import { otpConfig, type OtpConfig } from '../../config/otp.config.js';
import type { CallTerms, OtpProvider } from '../otp-provider.js';
import { objectIn, type ProviderAnswer } from '../provider-answer.js';
import { ProviderError } from '../provider-error.js';
import { SinchClient } from './sinch.client.js';
import { errorCodeOf, failureOf, failureOfStart, saysNotFound } from './sinch.errors.js';
import type { Method, VerificationAnswer } from './sinch.wire.js';

const VERIFICATIONS = '/verification/v1/verifications';
const METHODS: Record<Channel, Method> = { sms: 'sms', voice: 'callout' };

/** Sinch Verification, version 1. A code of Sinch's is judged once: a wrong one ends it. */
@Injectable()
export class SinchProvider implements OtpProvider {
  readonly name = 'sinch';

  constructor(
    private readonly client: SinchClient,
    @Inject(otpConfig.KEY) private readonly config: OtpConfig,
  ) {}

  async send(to: PhoneNumber, channel: Channel, terms?: CallTerms): Promise<string> {
    const method = METHODS[channel];
    const start = {
      identity: { type: 'number', endpoint: to.e164 },
      method,
      ...(method === 'sms' && {
        smsOptions: { codeType: 'Numeric', expiry: clockTime(this.config.ttlMs) },
      }),
    };
    const answer = await this.client.post(VERIFICATIONS, start, terms);
    if (isError(answer)) throw failureOfStart(answer);
    return handleOf(method, startedAs(objectIn(answer)));
  }

  /** Starts anew: Sinch sends no code twice, and ends the one before. */
  resend(
    to: PhoneNumber,
    _providerPinId: string,
    channel: Channel,
    terms?: CallTerms,
  ): Promise<string> {
    return this.send(to, channel, terms);
  }

  async verify(
    to: PhoneNumber,
    providerPinId: string,
    code: string,
    terms?: CallTerms,
  ): Promise<Verdict> {
    const { method, id } = readHandle(providerPinId);
    // Another provider's: there is nothing at Sinch that could be judged.
    if (!method) return 'exhausted';
    const path = `${VERIFICATIONS}/id/${encodeURIComponent(id)}`;
    const answer = await this.client.put(path, { method, [method]: { code } }, terms);
    // It keeps no such verification open any more: whatever is tried next, it cannot verify.
    if (saysNotFound(answer)) return 'exhausted';
    if (isError(answer)) throw failureOf(answer);
    return verdictOf(objectIn(answer), id, to);
  }
}

/** The HTTP code alone does not tell: a 200 may hold an error. */
function isError(answer: ProviderAnswer): boolean {
  return answer.status < 200 || answer.status > 299 || errorCodeOf(answer) !== undefined;
}

/**
 * Reads what became of a start. Its answer has no status as a rule; one that it has counts.
 * @returns the verification's id.
 */
function startedAs({ id, status }: VerificationAnswer): string {
  switch (lowerCase(status)) {
    case undefined:
    case 'pending':
      if (typeof id !== 'string' || id === '') throw new ProviderError('unreadable');
      return id;
    case 'denied':
    case 'error':
      throw new ProviderError('not_sent');
    default:
      throw new ProviderError('unreadable');
  }
}

/** Success is bound to the verification, and to the number where the answer names one. */
function verdictOf(answer: VerificationAnswer, id: string, to: PhoneNumber): Verdict {
  const { status, reason, identity } = answer;
  switch (lowerCase(status)) {
    case 'successful': {
      const number = identity?.endpoint ?? to.e164;
      if (answer.id !== id || number !== to.e164) throw new ProviderError('unreadable');
      return 'verified';
    }
    // The code was tried (contract §6), and no other is (§7).
    case 'fail':
      return lowerCase(reason) === 'expired' ? 'expired' : 'wrong_and_final';
    case 'denied':
    case 'aborted':
    case 'error':
      return lowerCase(reason) === 'expired' ? 'expired' : 'exhausted';
    default:
      throw new ProviderError('unreadable');
  }
}

/** The API mixes cases. `undefined` for nothing; what is no text is a status that nobody knows. */
function lowerCase(word: unknown): string | undefined {
  if (word === undefined || word === null) return undefined;
  return typeof word === 'string' ? word.toLowerCase() : 'unknown';
}

/** A report has to say how the code went out, so the handle keeps it: `sms/…`, `callout/…`. */
const handleOf = (method: Method, id: string): string => `${method}/${id}`;

function readHandle(handle: string): { method: Method | undefined; id: string } {
  const [, method, id = ''] = /^(sms|callout)\/(.+)$/s.exec(handle) ?? [];
  return { method: method as Method | undefined, id };
}

/** A span in Sinch's form, `HH:MM:SS`, no shorter than it is. */
function clockTime(ms: number): string {
  const total = Math.ceil(ms / 1_000);
  const parts = [Math.floor(total / 3_600), Math.floor(total / 60) % 60, total % 60];
  return parts.map((part) => String(part).padStart(2, '0')).join(':');
}
