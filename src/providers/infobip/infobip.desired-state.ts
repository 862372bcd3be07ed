import { hours, seconds } from '../../common/durations.js';
import type { OtpConfig } from '../../config/otp.config.js';
import type { Change, SetupOptions } from '../account-setup.js';
import type { InfobipDemand } from './infobip.max-usage.js';
import { composeText, foreignPlaceholders, hasPin } from './infobip.message-text.js';
import { formatDuration, formatLimit, sameValue } from './infobip.limit-syntax.js';
import type { TemplateResponse } from './infobip.types.js';

const DEFAULT_TEXT = '{{pin}} is your verification code. Do not share it.';
export const PIN_LENGTH = 6;

/** Looser than this service's own settings, so that users always meet our limits and not Infobip's. */
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
    // Twice ours: a failed send is released here, and may stay counted at Infobip.
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
 * Keeps the present text if it is valid and the options give no other.
 * @throws SetupOptionError
 */
export function desiredTemplate(existing: TemplateResponse | undefined, options: SetupOptions) {
  const present = existing?.messageText;
  const isValid =
    typeof present === 'string' && hasPin(present) && foreignPlaceholders(present).length === 0;
  const text = options.text ?? (isValid ? present : DEFAULT_TEXT);
  return {
    messageText: composeText(text, options.webOtpHost),
    pinType: 'NUMERIC',
    pinLength: PIN_LENGTH,
    ...(options.sender !== undefined && { senderId: options.sender }),
    ...(options.language !== undefined && { language: options.language }),
  };
}

/** The fields whose value differs from the desired one. */
export function diff(subject: string, current: object, desired: object): Change[] {
  const before = new Map<string, unknown>(Object.entries(current));
  return Object.entries(desired as Record<string, unknown>)
    .filter(([field, value]) => !sameValue(before.get(field), value))
    .map(([field, value]) => ({
      subject,
      field,
      current: before.has(field) ? JSON.stringify(before.get(field)) : undefined,
      desired: JSON.stringify(value),
    }));
}
