import { Inject, Injectable } from '@nestjs/common';
import type { Channel } from '../../common/channel.js';
import type { PhoneNumber } from '../../common/phone-number.js';
import type { CheckResult } from '../../common/check-result.js';
import { otpConfig, type OtpConfig } from '../../config/otp.config.js';
import type { CallOptions, OtpProvider } from '../otp-provider.js';
import { requireObject, type ProviderResponse } from '../provider-response.js';
import { ProviderError } from '../provider-error.js';
import { SinchClient } from './sinch.client.js';
import { getErrorCode, toProviderError, startError, isNotFound } from './sinch.errors.js';
import type { Method, VerificationResponse } from './sinch.types.js';

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

  async send(to: PhoneNumber, channel: Channel, terms?: CallOptions): Promise<string> {
    const method = METHODS[channel];
    const start = {
      identity: { type: 'number', endpoint: to.e164 },
      method,
      ...(method === 'sms' && {
        smsOptions: { codeType: 'Numeric', expiry: formatClockTime(this.config.ttlMs) },
      }),
    };
    const answer = await this.client.post(VERIFICATIONS, start, terms);
    if (isError(answer)) throw startError(answer);
    return toHandle(method, parseStartResponse(requireObject(answer)));
  }

  /** Starts anew: Sinch sends no code twice, and ends the one before. */
  resend(
    to: PhoneNumber,
    _providerPinId: string,
    channel: Channel,
    terms?: CallOptions,
  ): Promise<string> {
    return this.send(to, channel, terms);
  }

  async verify(
    to: PhoneNumber,
    providerPinId: string,
    code: string,
    terms?: CallOptions,
  ): Promise<CheckResult> {
    const { method, id } = parseHandle(providerPinId);
    // Another provider's: there is nothing at Sinch that could be judged.
    if (!method) return 'attempts_exhausted';
    const path = `${VERIFICATIONS}/id/${encodeURIComponent(id)}`;
    const answer = await this.client.put(path, { method, [method]: { code } }, terms);
    // It keeps no such verification open any more: whatever is tried next, it cannot verify.
    if (isNotFound(answer)) return 'attempts_exhausted';
    if (isError(answer)) throw toProviderError(answer);
    return toCheckResult(requireObject(answer), id, to);
  }
}

/** The HTTP code alone does not tell: a 200 may hold an error. */
function isError(answer: ProviderResponse): boolean {
  return answer.status < 200 || answer.status > 299 || getErrorCode(answer) !== undefined;
}

/**
 * Reads what became of a start. Its answer has no status as a rule; one that it has counts.
 * @returns the verification's id.
 */
function parseStartResponse({ id, status }: VerificationResponse): string {
  switch (lowerCase(status)) {
    case undefined:
    case 'pending':
      if (typeof id !== 'string' || id === '') throw new ProviderError('invalid_response');
      return id;
    case 'denied':
    case 'error':
      throw new ProviderError('not_accepted');
    default:
      throw new ProviderError('invalid_response');
  }
}

/** Success is bound to the verification, and to the number where the answer names one. */
function toCheckResult(answer: VerificationResponse, id: string, to: PhoneNumber): CheckResult {
  const { status, reason, identity } = answer;
  switch (lowerCase(status)) {
    case 'successful': {
      const number = identity?.endpoint ?? to.e164;
      if (answer.id !== id || number !== to.e164) throw new ProviderError('invalid_response');
      return 'verified';
    }
    // The code was tried (contract §6), and no other is (§7).
    case 'fail':
      return lowerCase(reason) === 'expired' ? 'expired' : 'wrong_code_final';
    case 'denied':
    case 'aborted':
    case 'error':
      return lowerCase(reason) === 'expired' ? 'expired' : 'attempts_exhausted';
    default:
      throw new ProviderError('invalid_response');
  }
}

/** The API mixes cases. `undefined` for nothing; what is no text is a status that nobody knows. */
function lowerCase(word: unknown): string | undefined {
  if (word === undefined || word === null) return undefined;
  return typeof word === 'string' ? word.toLowerCase() : 'unknown';
}

/** A report has to say how the code went out, so the handle keeps it: `sms/…`, `callout/…`. */
const toHandle = (method: Method, id: string): string => `${method}/${id}`;

function parseHandle(handle: string): { method: Method | undefined; id: string } {
  const [, method, id = ''] = /^(sms|callout)\/(.+)$/s.exec(handle) ?? [];
  return { method: method as Method | undefined, id };
}

/** A span in Sinch's form, `HH:MM:SS`, no shorter than it is. */
function formatClockTime(ms: number): string {
  const total = Math.ceil(ms / 1_000);
  const parts = [Math.floor(total / 3_600), Math.floor(total / 60) % 60, total % 60];
  return parts.map((part) => String(part).padStart(2, '0')).join(':');
}
