/** How a code is delivered: by SMS, or spoken in a call. */
export type Channel = 'sms' | 'voice';
