import type { Channel } from '../../common/channel.js';
import { wordOf } from '../../openapi/schema.js';
import type { Schema } from '../../openapi/document.js';

/** A number, as callers write it. */
export const phoneNumber = (description: string): Schema => ({
  type: 'string',
  pattern: '^\\+[1-9][0-9 ().-]{6,30}$',
  description: `${description} In E.164 form: \`+\`, country code, at most 15 digits. Spaces, hyphens, dots and brackets are let pass.`,
  examples: ['+14155552671'],
});

export const maskedNumber: Schema = {
  type: 'string',
  pattern: '^\\+\\d+•••\\d+$',
  description: 'The number, masked.',
  examples: ['+1415•••2671'],
};

export const channel: Schema = wordOf<Channel>('How the code travels.', {
  sms: 'as a text',
  voice: 'read out in a call',
});

/** The same where it need not be said. No `default`: generated clients would take it for required. */
export const wantedChannel: Schema = wordOf<Channel>('How the code is to travel.', {
  sms: 'as a text; this is what happens unless you say',
  voice: 'read out in a call',
});

/** Our handle, as it is answered. */
export const pinId: Schema = {
  type: 'string',
  pattern: '^[A-Za-z0-9_-]{22,}$',
  description: 'Handle of the verification: random, opaque, URL-safe.',
  examples: ['q8Jt1Xn0S2uYp4rVb6wLzA'],
};

/** Our handle, as it is asked with: one that cannot be is as unknown as any other. */
export const givenPinId: Schema = {
  type: 'string',
  minLength: 1,
  description: 'The handle that send answered with.',
  examples: ['q8Jt1Xn0S2uYp4rVb6wLzA'],
};

export const givenReference = (description: string): Schema => ({
  type: 'string',
  minLength: 1,
  maxLength: 128,
  description,
  examples: ['login-4711'],
});

export const time = (description: string, example: string): Schema => ({
  type: 'string',
  format: 'date-time',
  description: `${description} ISO 8601, UTC.`,
  examples: [example],
});

export const attemptsRemaining: Schema = {
  type: 'integer',
  minimum: 0,
  description: 'How many more codes may be tried on this verification.',
  examples: [4],
};
