import type { OtpConfig } from '../config/otp.config.js';
import type { CheckedDestination } from '../destinations/destination-policy.js';
import { isTestPin } from '../providers/test-number.provider.js';
import type { NewVerification, SendReservation } from '../storage/send.types.js';
import type { Verification } from '../storage/verification.types.js';
import type { SendOtpDto, SendOtpResponse } from './dto/send-otp.dto.js';
import type { VerificationResponse } from './dto/verification.dto.js';
import { createPinId } from './pin-id.js';

export const toNewVerification = (
  { phoneNumber, channel = 'sms', reference, endUserIp }: SendOtpDto,
  client: string,
  { country, prefix, isTestNumber }: CheckedDestination,
  now: number,
  { ttlMs, maxAttempts }: OtpConfig,
): NewVerification => ({
  pinId: createPinId(),
  client,
  phoneNumber,
  destination: { country, prefix },
  endUserAddress: endUserIp,
  limited: !isTestNumber,
  channel,
  reference,
  createdAt: now,
  expiresAt: now + ttlMs,
  maxAttempts,
});

export const toSendResponse = (
  { pinId, phoneNumber, channel, expiresAt }: SendReservation,
  resendAvailableAt: number,
): SendOtpResponse => ({
  pinId,
  to: phoneNumber.masked,
  channel,
  expiresAt: toIsoTime(expiresAt),
  resendAvailableAt: toIsoTime(resendAvailableAt),
});

export function toVerificationResponse(verification: Verification): VerificationResponse {
  const { pinId, status, phoneNumber, channel, attemptsRemaining, verifiedAt } = verification;
  return {
    pinId,
    status,
    to: phoneNumber.masked,
    channel,
    createdAt: toIsoTime(verification.createdAt),
    expiresAt: toIsoTime(verification.expiresAt),
    ...(verifiedAt !== undefined && { verifiedAt: toIsoTime(verifiedAt) }),
    attemptsRemaining,
    ...(isTestPin(verification) && { test: true }),
  };
}

const toIsoTime = (ms: number): string => new Date(ms).toISOString();
