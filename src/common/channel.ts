/** How a code is delivered: by SMS, or spoken in a call. */
export const CHANNELS = ['sms', 'voice'] as const;
export type Channel = (typeof CHANNELS)[number];

export const DEFAULT_CHANNEL: Channel = 'sms';
