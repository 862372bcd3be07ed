import { DEFAULT_CHANNEL } from '../common/channel.js';
import type { Clock } from '../common/clock.js';
import type { FloodFilters } from '../common/flood-filter.js';
import { toClientDelivery } from '../common/delivery-status.js';
import { canonicalizeLocale } from '../common/locale.js';
import type { CheckedDestination } from '../destinations/number-policy.js';
import { isTestProvider } from '../providers/test-number.provider.js';
import type { NewVerification, SendReservation } from '../storage/send.types.js';
import type { Verification } from '../storage/verification.types.js';
import type { RequestClient } from './current-client.decorator.js';
import type { SendOtpDto, SendOtpResponse } from './dto/send-otp.dto.js';
import type { VerificationResponse } from './dto/verification.dto.js';
import { createPinId } from './pin-id.js';

export const toNewVerification = (
  {
    phoneNumber,
    channel = DEFAULT_CHANNEL,
    endUserIp,
    locale,
    reference,
    eventReference,
  }: SendOtpDto,
  { client, rules }: Pick<RequestClient, 'client' | 'rules'>,
  { country, prefix, isTestNumber, isTrusted }: CheckedDestination,
  { floodFilters, now }: { floodFilters: FloodFilters; now: number },
): NewVerification => ({
  pinId: createPinId(),
  client,
  phoneNumber: phoneNumber.forChannel(channel),
  destination: { country, prefix, isTrusted },
  endUserAddress: endUserIp,
  hasSendLimits: !isTestNumber,
  channel,
  locale: locale === undefined ? rules.locale : canonicalizeLocale(locale),
  floodFilters,
  limits: rules,
  reference,
  eventReference,
  createdAt: now,
  expiresAt: now + rules.otp.ttlMs,
  maxAttempts: rules.otp.maxAttempts,
});

export const toSendResponse = (
  { pinId, phoneNumber, channel, expiresAt }: SendReservation,
  codeLength: number | undefined,
  resendAvailableAt: number,
  clock: Clock,
): SendOtpResponse => ({
  pinId,
  to: phoneNumber.masked,
  channel,
  expiresAt: clock.toDate(expiresAt).toISOString(),
  resendAvailableAt: clock.toDate(resendAvailableAt).toISOString(),
  ...(codeLength !== undefined && { codeLength }),
});

/** @param attemptsPerCode how many attempts the provider allows for one code */
export function toVerificationResponse(
  verification: Verification,
  attemptsPerCode: number,
  clock: Clock,
): VerificationResponse {
  const { pinId, status, phoneNumber, channel, codeLength, verifiedAt, delivery } = verification;
  const hasExpired = clock.now() >= verification.expiresAt;
  return {
    pinId,
    status,
    to: phoneNumber.masked,
    channel,
    createdAt: clock.toDate(verification.createdAt).toISOString(),
    expiresAt: clock.toDate(verification.expiresAt).toISOString(),
    ...(verifiedAt !== undefined && { verifiedAt: clock.toDate(verifiedAt).toISOString() }),
    ...(codeLength !== undefined && { codeLength }),
    attemptsRemaining: Math.min(verification.attemptsRemaining, attemptsPerCode),
    ...(delivery && {
      delivery: toClientDelivery(delivery, hasExpired, (time) => clock.toDate(time).toISOString()),
    }),
    ...(isTestProvider(verification.provider) && { test: true }),
  };
}
