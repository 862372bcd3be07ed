/** How a code travels: as a text, or read out in a call. */
export type Channel = 'sms' | 'voice';
