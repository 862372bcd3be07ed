/** How a code is delivered: by SMS, spoken in a call, or by WhatsApp. */
export const CHANNELS = ['sms', 'voice', 'whatsapp'] as const;
export type Channel = (typeof CHANNELS)[number];

export const DEFAULT_CHANNEL: Channel = 'sms';
