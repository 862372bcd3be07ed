import { Inject, Injectable } from '@nestjs/common';
import type { Channel } from '../../common/channel.js';
import type { PhoneNumber } from '../../common/phone-number.js';
import type { CheckResult } from '../../common/check-result.js';
import {
  getProviderAccount,
  providersConfig,
  type ProvidersConfig,
} from '../../config/providers.config.js';
import type { CallOptions, OtpProvider } from '../otp-provider.js';
import { numberRateLimited, requireObject, type ProviderResponse } from '../provider-response.js';
import { ProviderError } from '../provider-error.js';
import { InfobipClient } from './infobip.client.js';
import { toProviderError, isNotFound } from './infobip.errors.js';
import type { PinResponse, VerifyResponse } from './infobip.types.js';

/** `ncNeeded` is said although true is its default: a text to a dead number is a text paid for. */
const SEND_PATHS: Record<Channel, string> = {
  sms: '/2fa/2/pin?ncNeeded=true',
  voice: '/2fa/2/pin/voice',
};
const RESEND_PATHS: Record<Channel, string> = { sms: 'resend', voice: 'resend/voice' };

/** Infobip 2FA, version 2 of its PIN API. */
@Injectable()
export class InfobipProvider implements OtpProvider {
  readonly name = 'infobip';

  constructor(
    private readonly client: InfobipClient,
    @Inject(providersConfig.KEY) private readonly config: ProvidersConfig,
  ) {}

  async send(to: PhoneNumber, channel: Channel, terms?: CallOptions): Promise<string> {
    const { applicationId, messageId } = getProviderAccount('infobip', this.config);
    const answer = await this.client.post(
      SEND_PATHS[channel],
      { applicationId, messageId, to: msisdn(to) },
      terms,
    );
    const pinId = parseSendResponse(channel, requireSuccess(answer));
    if (pinId === undefined) throw new ProviderError('invalid_response');
    return pinId;
  }

  async resend(
    _to: PhoneNumber,
    providerPinId: string,
    channel: Channel,
    terms?: CallOptions,
  ): Promise<string> {
    const path = `/2fa/2/pin/${encodeURIComponent(providerPinId)}/${RESEND_PATHS[channel]}`;
    const answer = await this.client.post(path, {}, terms);
    if (isNotFound(answer)) throw new ProviderError('pin_not_found');
    return parseSendResponse(channel, requireSuccess(answer)) ?? providerPinId;
  }

  async verify(
    to: PhoneNumber,
    providerPinId: string,
    code: string,
    terms?: CallOptions,
  ): Promise<CheckResult> {
    const path = `/2fa/2/pin/${encodeURIComponent(providerPinId)}/verify`;
    const answer = await this.client.post(path, { pin: code }, terms);
    // It keeps no such PIN any more (used, or cleaned up): whatever is tried next, it cannot verify.
    if (isNotFound(answer)) return 'attempts_exhausted';
    // All that limits verifies is `verifyPinLimit`, which counts those of one number (contract §3).
    if (answer.status === 429) throw numberRateLimited(answer, answer.status);
    const verification = requireSuccess(answer) as VerifyResponse;
    if (verification.verified === true) {
      // Success is bound to the number that was asked about.
      if (verification.msisdn !== msisdn(to)) throw new ProviderError('invalid_response');
      return 'verified';
    }
    if (verification.verified !== false) throw new ProviderError('invalid_response');
    return toCheckResult(verification.pinError);
  }
}

/**
 * Reads what became of a send: a 200 only means that the request was understood.
 * @returns the PIN's id, if the answer has one.
 */
function parseSendResponse(channel: Channel, answer: PinResponse): string | undefined {
  const { pinId, smsStatus, callStatus, ncStatus } = answer;
  if (smsStatus === 'MESSAGE_NOT_SENT') {
    const unreachable =
      ncStatus === 'NC_DESTINATION_NOT_REACHABLE' || ncStatus === 'NC_NOT_REACHABLE';
    throw new ProviderError(unreachable ? 'destination_unreachable' : 'not_accepted');
  }
  if (channel === 'sms' && smsStatus !== 'MESSAGE_SENT')
    throw new ProviderError('invalid_response');
  if (channel === 'voice') assertCallAccepted(callStatus);
  return typeof pinId === 'string' && pinId !== '' ? pinId : undefined;
}

/** The statuses of a call are an open list; these say that nobody was or will be called. */
function assertCallAccepted(callStatus: unknown): void {
  if (typeof callStatus !== 'string') throw new ProviderError('invalid_response');
  if (/^(BAD_REQUEST|REJECTED|UNDELIVERABLE)/.test(callStatus))
    throw new ProviderError('not_accepted');
}

/** `pinError` is a free string in the vendor's schema: what is not known to be final is a wrong code. */
function toCheckResult(pinError: unknown): CheckResult {
  switch (pinError) {
    case 'TTL_EXPIRED':
      return 'expired';
    case 'NO_MORE_PIN_ATTEMPTS':
      return 'attempts_exhausted';
    default:
      return 'wrong_code';
  }
}

/** Infobip's form of a number: the digits of E.164 without the `+`. */
function msisdn(number: PhoneNumber): string {
  return number.e164.slice(1);
}

/** The JSON object of a 2xx answer; anything else is a failure. */
function requireSuccess(answer: ProviderResponse): object {
  if (answer.status < 200 || answer.status > 299) throw toProviderError(answer);
  return requireObject(answer);
}
