import { Inject, Injectable } from '@nestjs/common';
import { CHANNELS, type Channel } from '../../common/channel.js';
import type { CheckResult, EarlierCheckResult } from '../../common/check-result.js';
import type { PhoneNumber } from '../../common/phone-number.js';
import { otpConfig, type OtpConfig } from '../../config/otp.config.js';
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
  requireObject,
  requireProviderPinId,
  type ProviderResponse,
} from '../provider-response.js';
import { SinchClient } from './sinch.client.js';
import { getErrorCode, isNotFound, toStartError, toProviderError } from './sinch.errors.js';
import { SINCH_METHODS } from './sinch.methods.js';
import type { SinchMethod, SinchVerificationResponse } from './sinch.types.js';

const VERIFICATIONS = '/verification/v1/verifications';

/**
 * The adapter to Sinch Verification, version 1. Sinch checks one code for each verification, so a wrong
 * code is final. The length of the codes can neither be requested nor read.
 */
@Injectable()
export class SinchProvider implements OtpProvider {
  readonly name = 'sinch';
  readonly channels = CHANNELS;
  readonly attemptsPerCode = 1;

  constructor(
    private readonly client: SinchClient,
    @Inject(otpConfig.KEY) private readonly config: OtpConfig,
    @Inject(reportsConfig.KEY) private readonly reports: ReportsConfig,
  ) {}

  async send(to: PhoneNumber, channel: Channel, options?: ProviderSendOptions): Promise<SentCode> {
    const method = SINCH_METHODS[channel];
    const startRequest = {
      identity: { type: 'number', endpoint: to.e164 },
      method,
      ...(options?.reference !== undefined && { reference: options.reference }),
      ...(method === 'sms' && {
        smsOptions: { codeType: 'Numeric', expiry: formatClockTime(this.config.ttlMs) },
      }),
      ...(method === 'whatsapp' && { whatsappOptions: { codeType: 'Numeric' } }),
    };
    const headers = options?.locale ? { 'accept-language': options.locale } : undefined;
    const response = await this.client.post(VERIFICATIONS, startRequest, { ...options, headers });
    if (isError(response)) throw toStartError(response);
    const id = parseStartResponse(requireObject(response));
    const messageId = this.reports.sinch ? id : undefined;
    return { pinId: toProviderPinId(method, id), messageId };
  }

  /** Starts a new verification, which ends the one before: Sinch sends no code twice. */
  resend(
    to: PhoneNumber,
    _sent: SentCode,
    channel: Channel,
    options?: ProviderSendOptions,
  ): Promise<SentCode> {
    return this.send(to, channel, options);
  }

  async verify(
    to: PhoneNumber,
    providerPinId: string,
    code: string,
    options?: ProviderCallOptions,
  ): Promise<CheckResult> {
    const { method, id } = parseProviderPinId(providerPinId);
    // Sinch did not issue this id, so it has no code to check.
    if (!method) return 'attempts_exhausted';
    const path = `${VERIFICATIONS}/id/${encodeURIComponent(id)}`;
    const response = await this.client.put(path, { method, [method]: { code } }, options);
    // Sinch no longer has the verification open, so no code can verify.
    if (isNotFound(response)) return 'attempts_exhausted';
    if (isError(response)) throw toProviderError(response);
    return toCheckResult(requireObject(response), id, to);
  }

  async findVerified(
    to: PhoneNumber,
    providerPinId: string,
    _sentAfter: number,
    options?: ProviderCallOptions,
  ): Promise<EarlierCheckResult> {
    const { id } = parseProviderPinId(providerPinId);
    const response = await this.client.get(
      `${VERIFICATIONS}/id/${encodeURIComponent(id)}`,
      options,
    );
    if (isNotFound(response)) return 'unknown';
    if (isError(response)) throw toProviderError(response);
    const verification: SinchVerificationResponse = requireObject(response);
    if (toLowerCase(verification.status) !== 'successful') return 'not_verified';
    return isAbout(verification, id, to) ? 'verified' : 'unknown';
  }
}

/** Whether a response reports an error: a 200 may do that in its body. */
const isError = (response: ProviderResponse): boolean =>
  !isSuccess(response) || getErrorCode(response) !== undefined;

/**
 * @returns the id of the started verification
 * @throws ProviderError for a status other than `pending`; usually the response has none
 */
function parseStartResponse({ id, status }: SinchVerificationResponse): string {
  switch (toLowerCase(status)) {
    case undefined:
    case 'pending':
      return requireProviderPinId(id);
    case 'denied':
    case 'error':
      throw new ProviderError('not_accepted');
    default:
      throw new ProviderError('invalid_response');
  }
}

/** A success counts only for this verification. If the response contains a number, it must be `to`. */
function toCheckResult(
  response: SinchVerificationResponse,
  id: string,
  to: PhoneNumber,
): CheckResult {
  const { status, reason } = response;
  const isExpired = toLowerCase(reason) === 'expired';
  switch (toLowerCase(status)) {
    case 'successful':
      if (!isAbout(response, id, to)) throw new ProviderError('invalid_response');
      return 'verified';
    // Sinch checked the code, and checks no other one for this verification.
    case 'fail':
      return isExpired ? 'expired' : 'wrong_code_final';
    case 'denied':
    case 'aborted':
    case 'error':
      return isExpired ? 'expired' : 'attempts_exhausted';
    default:
      throw new ProviderError('invalid_response');
  }
}

const isAbout = (
  { id, identity }: SinchVerificationResponse,
  expectedId: string,
  to: PhoneNumber,
): boolean => id === expectedId && (identity?.endpoint ?? to.e164) === to.e164;

/** Sinch's API mixes upper and lower case. `undefined` if absent, `unknown` if not a string. */
function toLowerCase(word: unknown): string | undefined {
  if (word === undefined || word === null) return undefined;
  return typeof word === 'string' ? word.toLowerCase() : 'unknown';
}

/**
 * The check of a code must name the method of the send. So the id that this service stores contains the
 * method: `sms/…`, `callout/…`, `whatsapp/…`.
 */
const toProviderPinId = (method: SinchMethod, id: string): string => `${method}/${id}`;

function parseProviderPinId(providerPinId: string): {
  method: SinchMethod | undefined;
  id: string;
} {
  const [, method, id = ''] = /^(sms|callout|whatsapp)\/(.+)$/s.exec(providerPinId) ?? [];
  return { method: method as SinchMethod | undefined, id };
}

/** A duration as `HH:MM:SS`, rounded up. */
function formatClockTime(ms: number): string {
  const total = Math.ceil(ms / 1_000);
  const parts = [Math.floor(total / 3_600), Math.floor(total / 60) % 60, total % 60];
  return parts.map((part) => String(part).padStart(2, '0')).join(':');
}
