import { Injectable } from '@nestjs/common';
import type { PhoneNumber } from '../../common/phone-number.js';
import type { Verdict } from '../../common/verdict.js';
import { AppConfig } from '../../config/app-config.js';
import type { OtpProvider } from '../otp-provider.js';
import { ProviderError } from '../provider-error.js';
import { InfobipClient, type InfobipAnswer } from './infobip.client.js';
import { failureOf, saysNotFound } from './infobip.errors.js';
import type { PinAnswer, VerifyAnswer } from './infobip.wire.js';

/** Infobip 2FA, version 2 of its PIN API. */
@Injectable()
export class InfobipProvider implements OtpProvider {
  constructor(
    private readonly client: InfobipClient,
    private readonly config: AppConfig,
  ) {}

  async send(to: PhoneNumber): Promise<string> {
    const { applicationId, messageId } = this.config.infobip;
    // `ncNeeded` is said although true is its default: a text to a dead number is a text paid for.
    const answer = await this.client.post('/2fa/2/pin?ncNeeded=true', {
      applicationId,
      messageId,
      to: msisdn(to),
    });
    const { pinId, smsStatus, ncStatus } = readObject(answer) as PinAnswer;
    // A 200 only means that the request was understood.
    if (smsStatus === 'MESSAGE_NOT_SENT') {
      const unreachable =
        ncStatus === 'NC_DESTINATION_NOT_REACHABLE' || ncStatus === 'NC_NOT_REACHABLE';
      throw new ProviderError(unreachable ? 'destination_unreachable' : 'not_sent');
    }
    if (smsStatus !== 'MESSAGE_SENT' || typeof pinId !== 'string' || pinId === '') {
      throw new ProviderError('unreadable');
    }
    return pinId;
  }

  async verify(to: PhoneNumber, providerPinId: string, code: string): Promise<Verdict> {
    const path = `/2fa/2/pin/${encodeURIComponent(providerPinId)}/verify`;
    const answer = await this.client.post(path, { pin: code });
    // It keeps no such PIN any more (used, or cleaned up): whatever is tried next, it cannot verify.
    if (saysNotFound(answer)) return 'exhausted';
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
function readObject(answer: InfobipAnswer): object {
  if (answer.status < 200 || answer.status > 299) throw failureOf(answer);
  if (typeof answer.body !== 'object' || answer.body === null)
    throw new ProviderError('unreadable');
  return answer.body;
}
