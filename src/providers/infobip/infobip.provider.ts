import { Inject, Injectable } from '@nestjs/common';
import type { CheckResult, EarlierCheckResult } from '../../common/check-result.js';
import { Clock } from '../../common/clock.js';
import { minutes } from '../../common/durations.js';
import type { FloodFilter } from '../../common/flood-filter.js';
import { lookUpLocale } from '../../common/locale.js';
import type { PhoneNumber } from '../../common/phone-number.js';
import { reportsConfig, type ReportsConfig } from '../../config/reports.config.js';
import type {
  OtpProvider,
  ProviderCallOptions,
  ProviderSendOptions,
  SentCode,
} from '../otp-provider.js';
import { ProviderError } from '../provider-error.js';
import {
  isSuccess,
  toNumberLimitError,
  requireObject,
  requireProviderPinId,
  requireProviderTime,
  toStatusError,
  type ProviderResponse,
} from '../provider-response.js';
import { InfobipClient } from './infobip.client.js';
import { InfobipCodeLengths } from './infobip.code-lengths.js';
import { isNotFound, toSendError } from './infobip.errors.js';
import { findVerifiedPin } from './infobip.verification-status.js';
import type { InfobipPinResponse, InfobipVerifyResponse } from './infobip.types.js';

const CHANNELS = ['sms', 'voice'] as const;
type InfobipChannel = (typeof CHANNELS)[number];

/** `ncNeeded` (number lookup) is stated, although it is the default: messages to dead numbers cost money. */
const SEND_PATHS: Record<InfobipChannel, string> = {
  sms: '/2fa/2/pin?ncNeeded=true',
  voice: '/2fa/2/pin/voice',
};
const RESEND_PATHS: Record<InfobipChannel, string> = { sms: 'resend', voice: 'resend/voice' };

/**
 * Infobip counts 60 minutes from when a message reaches its filter. The service counts from before the
 * call, so a minute is added.
 */
const FLOOD_FILTER: FloodFilter = { sameCode: 6, messages: 20, windowMs: minutes(61) };

const toPinPath = (providerPinId: string) => `/2fa/2/pin/${encodeURIComponent(providerPinId)}`;

/** The adapter to Infobip 2FA, version 2 of its PIN API. */
@Injectable()
export class InfobipProvider implements OtpProvider {
  readonly name = 'infobip';
  readonly channels = CHANNELS;
  readonly floodFilter = FLOOD_FILTER;

  constructor(
    private readonly client: InfobipClient,
    private readonly codeLengths: InfobipCodeLengths,
    private readonly clock: Clock,
    @Inject(reportsConfig.KEY) private readonly reports: ReportsConfig,
  ) {}

  async send(
    to: PhoneNumber,
    channel: InfobipChannel,
    options?: ProviderSendOptions,
  ): Promise<SentCode> {
    const { applicationId } = this.client.account;
    // Infobip calls the id of a template `messageId`, as well as the id of a message.
    const templateId = this.findTemplateId(options);
    const body = {
      applicationId,
      messageId: templateId,
      to: toMsisdn(to),
      ...this.getTrackingFields(),
    };
    const response = await this.client.post(SEND_PATHS[channel], body, options);
    if (!isSuccess(response)) throw toSendError(response);
    const sent = parseSendResponse(channel, requireObject(response));
    const pinId = requireProviderPinId(sent.pinId);
    const codeLength = this.codeLengths.find(templateId);
    return { pinId, codeLength, messageId: this.findMessageId(sent) };
  }

  /** Infobip repeats the message, so a resend has the language of the send. */
  async resend(
    _to: PhoneNumber,
    sent: SentCode,
    channel: InfobipChannel,
    options?: ProviderCallOptions,
  ): Promise<SentCode> {
    const path = `${toPinPath(sent.pinId)}/${RESEND_PATHS[channel]}`;
    const response = await this.client.post(path, this.getTrackingFields(), options);
    if (isNotFound(response)) throw new ProviderError('pin_not_found');
    const resent = parseSendResponse(channel, requireSuccess(response));
    const pinId = isAbsent(resent.pinId) ? sent.pinId : requireProviderPinId(resent.pinId);
    return { ...sent, pinId, messageId: this.findMessageId(resent) };
  }

  async verify(
    to: PhoneNumber,
    providerPinId: string,
    code: string,
    options?: ProviderCallOptions,
  ): Promise<CheckResult> {
    const path = `${toPinPath(providerPinId)}/verify`;
    const response = await this.client.post(path, { pin: code }, options);
    // Infobip no longer has the PIN (used or deleted), so no code can verify.
    if (isNotFound(response)) return 'attempts_exhausted';
    // The only limit on verifies is `verifyPinLimit`, which counts per number.
    if (response.status === 429) throw toNumberLimitError(response, response.status);
    const { verified, msisdn, pinError }: InfobipVerifyResponse = requireSuccess(response);
    if (verified === false) return toCheckResult(pinError);
    // A success counts only for the number that the PIN was sent to.
    if (verified !== true || msisdn !== toMsisdn(to)) throw new ProviderError('invalid_response');
    return 'verified';
  }

  /** The API has the status only by number. So this URL, and no other, contains a number. */
  async findVerified(
    to: PhoneNumber,
    _providerPinId: string,
    sentAfter: number,
    options?: ProviderCallOptions,
  ): Promise<EarlierCheckResult> {
    const application = encodeURIComponent(this.client.account.applicationId);
    const path = `/2fa/2/applications/${application}/verifications?msisdn=${toMsisdn(to)}`;
    const response = await this.client.get(path, options);
    const list = requireSuccess(response);
    // The response took time to arrive, so Infobip's clock is ahead of ours by at least this much.
    const clockDifferenceMs = requireProviderTime(response) - this.clock.now();
    return findVerifiedPin(list, toMsisdn(to), sentAfter + clockDifferenceMs);
  }

  /** The fields of a send that ask for delivery reports; none if these are switched off. */
  private getTrackingFields(): { trackDelivery?: true } {
    return this.reports.infobip ? { trackDelivery: true } : {};
  }

  /** The id for delivery reports: `undefined` if they are off, empty if the response has none. */
  private findMessageId({ externalMessageId: id }: InfobipPinResponse): string | undefined {
    if (!this.reports.infobip) return undefined;
    return typeof id === 'string' ? id : '';
  }

  private findTemplateId({ locale = '', templates }: ProviderSendOptions = {}): string {
    const { templateId, templateIdsByLocale } = templates ?? this.client.account;
    return lookUpLocale(templateIdsByLocale, locale) ?? templateId;
  }
}

/** @throws ProviderError unless a message was sent: a 200 only means that the request was understood */
function parseSendResponse(
  channel: InfobipChannel,
  response: InfobipPinResponse,
): InfobipPinResponse {
  const { smsStatus, callStatus, ncStatus } = response;
  if (smsStatus === 'MESSAGE_NOT_SENT') {
    const isUnreachable =
      ncStatus === 'NC_DESTINATION_NOT_REACHABLE' || ncStatus === 'NC_NOT_REACHABLE';
    throw new ProviderError(isUnreachable ? 'destination_unreachable' : 'not_accepted');
  }
  if (channel === 'sms' && smsStatus !== 'MESSAGE_SENT')
    throw new ProviderError('invalid_response');
  if (channel === 'voice') assertCallAccepted(callStatus);
  return response;
}

const isAbsent = (pinId: unknown): boolean => pinId === undefined || pinId === null || pinId === '';

/** Infobip's call statuses are an open list. The ones rejected here mean that no call is made. */
function assertCallAccepted(callStatus: unknown): void {
  if (typeof callStatus !== 'string') throw new ProviderError('invalid_response');
  if (/^(BAD_REQUEST|REJECTED|UNDELIVERABLE)/.test(callStatus))
    throw new ProviderError('not_accepted');
}

/** `pinError` is a free string in Infobip's schema: an unknown one counts as a wrong code. */
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

/** Infobip's number format: E.164 without the `+`. */
const toMsisdn = ({ e164 }: PhoneNumber): string => e164.slice(1);

function requireSuccess(response: ProviderResponse): object {
  if (!isSuccess(response)) throw toStatusError(response.status, response);
  return requireObject(response);
}
