import { Inject, Injectable } from '@nestjs/common';
import type { Channel } from '../../common/channel.js';
import type { PhoneNumber } from '../../common/phone-number.js';
import type { Verdict } from '../../common/verdict.js';
import {
  getProviderAccount,
  providersConfig,
  type ProvidersConfig,
} from '../../config/providers.config.js';
import type { CallTerms, OtpProvider } from '../otp-provider.js';
import { numberThrottled, objectIn, type ProviderAnswer } from '../provider-answer.js';
import { ProviderError } from '../provider-error.js';
import { InfobipClient } from './infobip.client.js';
import { failureOf, saysNotFound } from './infobip.errors.js';
import type { PinAnswer, VerifyAnswer } from './infobip.wire.js';

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

  async send(to: PhoneNumber, channel: Channel, terms?: CallTerms): Promise<string> {
    const { applicationId, messageId } = getProviderAccount('infobip', this.config);
    const answer = await this.client.post(
      SEND_PATHS[channel],
      { applicationId, messageId, to: msisdn(to) },
      terms,
    );
    const pinId = takenAs(channel, readObject(answer));
    if (pinId === undefined) throw new ProviderError('unreadable');
    return pinId;
  }

  async resend(
    _to: PhoneNumber,
    providerPinId: string,
    channel: Channel,
    terms?: CallTerms,
  ): Promise<string> {
    const path = `/2fa/2/pin/${encodeURIComponent(providerPinId)}/${RESEND_PATHS[channel]}`;
    const answer = await this.client.post(path, {}, terms);
    if (saysNotFound(answer)) throw new ProviderError('gone');
    return takenAs(channel, readObject(answer)) ?? providerPinId;
  }

  async verify(
    to: PhoneNumber,
    providerPinId: string,
    code: string,
    terms?: CallTerms,
  ): Promise<Verdict> {
    const path = `/2fa/2/pin/${encodeURIComponent(providerPinId)}/verify`;
    const answer = await this.client.post(path, { pin: code }, terms);
    // It keeps no such PIN any more (used, or cleaned up): whatever is tried next, it cannot verify.
    if (saysNotFound(answer)) return 'exhausted';
    // All that limits verifies is `verifyPinLimit`, which counts those of one number (contract §3).
    if (answer.status === 429) throw numberThrottled(answer, answer.status);
    const verification = readObject(answer) as VerifyAnswer;
    if (verification.verified === true) {
      // Success is bound to the number that was asked about.
      if (verification.msisdn !== msisdn(to)) throw new ProviderError('unreadable');
      return 'verified';
    }
    if (verification.verified !== false) throw new ProviderError('unreadable');
    return verdictOf(verification.pinError);
  }
}

/**
 * Reads what became of a send: a 200 only means that the request was understood.
 * @returns the PIN's id, if the answer has one.
 */
function takenAs(channel: Channel, answer: PinAnswer): string | undefined {
  const { pinId, smsStatus, callStatus, ncStatus } = answer;
  if (smsStatus === 'MESSAGE_NOT_SENT') {
    const unreachable =
      ncStatus === 'NC_DESTINATION_NOT_REACHABLE' || ncStatus === 'NC_NOT_REACHABLE';
    throw new ProviderError(unreachable ? 'destination_unreachable' : 'not_sent');
  }
  if (channel === 'sms' && smsStatus !== 'MESSAGE_SENT') throw new ProviderError('unreadable');
  if (channel === 'voice') refuseFailedCall(callStatus);
  return typeof pinId === 'string' && pinId !== '' ? pinId : undefined;
}

/** The statuses of a call are an open list; these say that nobody was or will be called. */
function refuseFailedCall(callStatus: unknown): void {
  if (typeof callStatus !== 'string') throw new ProviderError('unreadable');
  if (/^(BAD_REQUEST|REJECTED|UNDELIVERABLE)/.test(callStatus)) throw new ProviderError('not_sent');
}

/** `pinError` is a free string in the vendor's schema: what is not known to be final is a wrong code. */
function verdictOf(pinError: unknown): Verdict {
  switch (pinError) {
    case 'TTL_EXPIRED':
      return 'expired';
    case 'NO_MORE_PIN_ATTEMPTS':
      return 'exhausted';
    default:
      return 'wrong_code';
  }
}

/** Infobip's form of a number: the digits of E.164 without the `+`. */
function msisdn(number: PhoneNumber): string {
  return number.e164.slice(1);
}

/** The JSON object of a 2xx answer; anything else is a failure. */
function readObject(answer: ProviderAnswer): object {
  if (answer.status < 200 || answer.status > 299) throw failureOf(answer);
  return objectIn(answer);
}
