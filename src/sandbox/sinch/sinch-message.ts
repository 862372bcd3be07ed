import type { InboxMessage, MessageChannel } from '../message-inbox.js';
import { normalizeRecipient } from '../recipient.js';
import type { SinchMethod } from './sinch-requests.js';
import type { SinchVerification } from './sinch-verification.js';

const CHANNEL_BY_METHOD: Record<Exclude<SinchMethod, 'seamless'>, MessageChannel> = {
  sms: 'sms',
  callout: 'voice',
  whatsapp: 'whatsapp',
  flashcall: 'flashcall',
};

/** Builds the message that the end user receives; `undefined` for `seamless`, which has no message. */
export function buildInboxMessage(verification: SinchVerification): InboxMessage | undefined {
  const { id, method, number, expectedCode, startedAt, language } = verification;
  if (method === 'seamless') return undefined;
  const isFlashCall = method === 'flashcall';
  return {
    to: normalizeRecipient(number),
    from: isFlashCall ? expectedCode : 'Sinch',
    channel: CHANNEL_BY_METHOD[method],
    text: isFlashCall
      ? `Missed call from ${expectedCode}`
      : language.template.replace('{{CODE}}', expectedCode),
    pin: expectedCode,
    pinId: id,
    provider: 'sinch',
    sentAt: new Date(startedAt).toISOString(),
  };
}
