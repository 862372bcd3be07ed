import { hours, seconds } from '../../common/durations.js';
import type { OtpConfig } from '../../config/otp.config.js';
import type { Change, SetupOptions } from '../account-setup.js';
import type { InfobipDemand } from './infobip.max-usage.js';
import { composeText, foreignPlaceholders, hasPin } from './infobip.message-text.js';
import { formatDuration, formatLimit, sameValue } from './infobip.limit-syntax.js';
import type { TemplateResponse } from './infobip.types.js';

const DEFAULT_TEXT = '{{pin}} is your verification code. Do not share it.';
export const PIN_LENGTH = 6;

/**
 * The safe configuration of an application: ours is the stricter one in everything, so that users
 * hear of our limits and never of the vendor's.
 */
export function desiredConfiguration(otp: OtpConfig, demand: InfobipDemand) {
  const day = hours(24);
  return {
    pinAttempts: otp.maxAttempts,
    allowMultiplePinVerifications: false,
    pinTimeToLive: formatDuration(otp.ttlMs),
    verifyPinLimit: formatLimit({
      count: demand.maxAttemptsPerNumber(seconds(1)),
      intervalMs: seconds(1),
    }),
    // Both twice ours: a send that failed is given back here, and may stay counted there.
    sendPinPerApplicationLimit: formatLimit({
      count: 2 * demand.maxMessagesTotal(day),
      intervalMs: day,
    }),
    sendPinPerPhoneNumberLimit: formatLimit({
      count: 2 * demand.sendsPerNumberPerDay,
      intervalMs: day,
    }),
  };
}

/**
 * What the template should say; a text that serves stays unless another is wished for.
 * @throws WishError
 */
export function desiredTemplate(existing: TemplateResponse | undefined, wishes: SetupOptions) {
  const kept = existing?.messageText;
  const serves = typeof kept === 'string' && hasPin(kept) && foreignPlaceholders(kept).length === 0;
  return {
    messageText: composeText(wishes.text ?? (serves ? kept : DEFAULT_TEXT), wishes.webOtpHost),
    pinType: 'NUMERIC',
    pinLength: PIN_LENGTH,
    ...(wishes.sender !== undefined && { senderId: wishes.sender }),
    ...(wishes.language !== undefined && { language: wishes.language }),
  };
}

/** The fields that are not yet as they should be. */
export function diff(subject: string, now: object, then: object): Change[] {
  const before = new Map<string, unknown>(Object.entries(now));
  return Object.entries(then as Record<string, unknown>)
    .filter(([field, value]) => !sameValue(before.get(field), value))
    .map(([field, value]) => ({
      subject,
      field,
      current: before.has(field) ? text(before.get(field)) : undefined,
      desired: text(value),
    }));
}

const text = (value: unknown): string => JSON.stringify(value);
