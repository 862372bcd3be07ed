import { named, objectOf, optional, requestOf, wordOf } from '../../openapi/schema.js';
import type { Schema } from '../../openapi/document.js';
import type { ClosedReason, VerifyResult, Verification } from '../../storage/verification-store.js';
import * as field from './field-schemas.js';
import type { LookupResponse, PhoneNumberDto } from './phone-number.dto.js';
import type { ResendOtpDto, SendOtpDto, SendOtpResponse } from './send-otp.dto.js';
import type { VerificationResponse } from './verification.dto.js';
import type { VerifyOtpDto } from './verify-otp.dto.js';

export const SEND_REQUEST = named(
  'SendOtpDto',
  requestOf<SendOtpDto>('Whom to text, and for what.', {
    phoneNumber: field.phoneNumber('Whom to text.'),
    channel: optional(field.wantedChannel),
    reference: optional(
      field.givenReference(
        'Your own context, such as a login attempt or a payment: verify has to bring the same. 1 to 128 characters; only a keyed hash of it is stored.',
      ),
    ),
    endUserIp: optional({
      type: 'string',
      minLength: 1,
      description:
        'The address of the user for whom you ask, IPv4 or IPv6 (of which the /64 counts), so that one user cannot have many numbers texted.',
      examples: ['203.0.113.7'],
    }),
  }),
);

export const RESEND_REQUEST = named(
  'ResendOtpDto',
  requestOf<ResendOtpDto>('Which code to send once more.', {
    pinId: field.givenPinId,
    channel: optional(field.wantedChannel),
  }),
);

export const SEND_RESPONSE = named(
  'SendOtpResponse',
  objectOf<SendOtpResponse>('A text is on its way.', {
    pinId: field.pinId,
    to: field.maskedNumber,
    channel: field.channel,
    expiresAt: field.time('From this moment on the code is refused.', '2030-01-01T00:05:00.000Z'),
    resendAvailableAt: field.time(
      'Before this moment the number gets no other text.',
      '2030-01-01T00:00:30.000Z',
    ),
  }),
);

const otpCode: Schema = {
  type: 'string',
  pattern: '^[0-9A-Za-z]{4,10}$',
  description: 'What the user typed: 4 to 10 digits or letters, as a string.',
  examples: ['123456'],
};
const repeatedReference = field.givenReference('The same as at send.');

export const VERIFY_REQUEST = named('VerifyOtpDto', {
  description: 'A code, and which verification it is for.',
  oneOf: [
    requestOf<Omit<VerifyOtpDto, 'phoneNumber' | 'pinId'> & { pinId: string }>(
      'By the handle that send answered with.',
      { pinId: field.givenPinId, otpCode, reference: optional(repeatedReference) },
    ),
    requestOf<Omit<VerifyOtpDto, 'phoneNumber' | 'pinId'> & { phoneNumber: string }>(
      'By the number: its newest verification is meant.',
      {
        phoneNumber: field.phoneNumber('The number that was texted.'),
        otpCode,
        reference: optional(repeatedReference),
      },
    ),
  ],
});

const closure = wordOf<ClosedReason>('Why no code is accepted.', {
  expired: 'its time is over',
  attempts_exhausted: 'too many wrong codes were tried',
  already_verified: 'a code opens a door once, and this one did',
  cancelled: 'by you, or by a newer send to the same number',
  reference_mismatch: 'the send had another reference; no attempt was counted',
});

type Accepted = Extract<VerifyResult, { verified: true }>;
type Wrong = Extract<VerifyResult, { reason: 'wrong_code' }>;
type Closed = Exclude<VerifyResult, Accepted | Wrong>;

const verified = (value: boolean): Schema => ({
  type: 'boolean',
  const: value,
  description: 'Whether the code proves that the user holds the phone.',
});

export const VERIFY_RESPONSE = named('VerifyOtpResponse', {
  description:
    'What was found of the code. Of any number of requests with the right one, exactly one hears `verified: true`.',
  oneOf: [
    objectOf<Accepted>('The code was right.', { verified: verified(true) }),
    objectOf<Wrong>('The code was wrong; another may be tried.', {
      verified: verified(false),
      reason: { type: 'string', const: 'wrong_code', description: 'It is not the code.' },
      attemptsRemaining: field.attemptsRemaining,
    }),
    objectOf<Closed>('No code is accepted here.', { verified: verified(false), reason: closure }),
  ],
});

export const STATUS_RESPONSE = named(
  'VerificationResponse',
  objectOf<VerificationResponse>('A verification as it stands.', {
    pinId: field.pinId,
    status: wordOf<Verification['status']>('How far it is.', {
      pending: 'a code can be tried',
      verified: 'a code was right',
      expired: 'its time is over',
      exhausted: 'too many wrong codes were tried',
      cancelled: 'by you, or by a newer send to the same number',
    }),
    to: field.maskedNumber,
    channel: field.channel,
    createdAt: field.time('When it was sent.', '2030-01-01T00:00:00.000Z'),
    expiresAt: field.time('From this moment on the code is refused.', '2030-01-01T00:05:00.000Z'),
    verifiedAt: optional(field.time('When a code was right.', '2030-01-01T00:00:20.000Z')),
    attemptsRemaining: field.attemptsRemaining,
    test: optional({
      type: 'boolean',
      const: true,
      description: 'Only of a test number: nobody was texted, the code was agreed beforehand.',
    }),
  }),
);

export const NUMBER_REQUEST = named(
  'PhoneNumberDto',
  requestOf<PhoneNumberDto>('A number; in a body, because a URL ends up in logs.', {
    phoneNumber: field.phoneNumber('The number that is meant.'),
  }),
);

export const LOOKUP_RESPONSE = named(
  'LookupResponse',
  objectOf<LookupResponse>('What is on record about a number.', {
    verified: {
      type: 'boolean',
      description: 'Whether you have had this number verified, as far as records reach back.',
      examples: [true],
    },
    verifiedAt: optional(field.time('The last time.', '2030-01-01T00:00:20.000Z')),
  }),
);
