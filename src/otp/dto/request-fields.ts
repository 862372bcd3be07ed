import { applyDecorators } from '@nestjs/common';
import { Transform } from 'class-transformer';
import {
  IsIn,
  IsNotEmpty,
  IsOptional,
  IsString,
  Length,
  Matches,
  MaxLength,
  ValidateBy,
  type ValidationOptions,
} from 'class-validator';
import type { Channel } from '../../common/channel.js';
import { MAX_CODE_LENGTH, MIN_CODE_LENGTH } from '../../common/code-length.js';
import { isLanguageTag, LANGUAGE_TAG, MAX_LOCALE_LENGTH } from '../../common/locale.js';
import { normalizeIp } from '../../common/network-address.js';
import { explainInvalidPhoneNumber } from '../../common/phone-number-input.js';
import { PhoneNumber } from '../../common/phone-number.js';
import { toAsciiText } from '../../common/typed-text.js';
import { describeEnum } from '../../openapi/describe-enum.js';
import { ApiProperty } from '../../openapi/swagger.js';

const CHANNEL_MEANINGS: Readonly<Record<Channel, string>> = {
  sms: 'as a text message; the default',
  voice: 'read out in a call',
  whatsapp: 'as a WhatsApp message, if a provider of this service has it',
};
const MAX_REFERENCE_LENGTH = 128;
const MAX_AUDIENCE_LENGTH = 128;

/** Stands for a value that is no phone number, until validation rejects it. */
class InvalidPhoneNumber {
  constructor(readonly explanation: string) {}
}

/** A field that arrives as text and is parsed, once, into a {@link PhoneNumber}. */
export const PhoneNumberField = (description: string) =>
  applyDecorators(
    Transform(
      ({ value }) =>
        PhoneNumber.parse(value) ?? new InvalidPhoneNumber(explainInvalidPhoneNumber(value)),
    ),
    ValidateBy(
      {
        name: 'phoneNumber',
        validator: { validate: (value: unknown) => value instanceof PhoneNumber },
      },
      {
        message: ({ value }: { value: unknown }) =>
          value instanceof InvalidPhoneNumber
            ? value.explanation
            : explainInvalidPhoneNumber(value),
      },
    ),
    ApiProperty({
      type: 'string',
      minLength: 8,
      maxLength: 64,
      description: `${description} In E.164 form: \`+\`, country code, at most 15 digits. Spaces, hyphens, dots, parentheses and invisible characters are ignored.`,
      examples: ['+14155552671'],
    }),
  );

/** The id of a verification. Its format is not validated: a malformed one is a 404. */
export const PinIdField = (message: NonNullable<ValidationOptions['message']>) =>
  applyDecorators(
    IsString({ message }),
    IsNotEmpty({ message }),
    ApiProperty({
      minLength: 1,
      description: 'The `pinId` returned by send.',
      examples: ['q8Jt1Xn0S2uYp4rVb6wLzA'],
    }),
  );

const CODE_LENGTHS = `${String(MIN_CODE_LENGTH)} to ${String(MAX_CODE_LENGTH)}`;
const CODE = new RegExp(`^[0-9a-z]{${String(MIN_CODE_LENGTH)},${String(MAX_CODE_LENGTH)}}$`, 'i');
/** Longer than any code with its separators and invisible characters. */
const MAX_CODE_TEXT_LENGTH = 64;

/** Removes spaces and hyphens from a typed code, and turns digits of any script into ASCII. */
const cleanCode = (value: unknown): unknown =>
  typeof value !== 'string' || CODE.test(value) || value.length > MAX_CODE_TEXT_LENGTH
    ? value
    : toAsciiText(value).replace(/[ -]/g, '');

/** The code that the end user typed. */
export const OtpCodeField = () =>
  applyDecorators(
    Transform(({ value }) => cleanCode(value)),
    Matches(CODE, {
      message: ({ value }: { value: unknown }) =>
        typeof value === 'number'
          ? 'The code is a JSON number, which has no leading zeros. Give it as a string.'
          : `Give the code as a string of ${CODE_LENGTHS} digits or letters.`,
    }),
    ApiProperty({
      minLength: MIN_CODE_LENGTH,
      maxLength: MAX_CODE_TEXT_LENGTH,
      description: `The code that the end user typed, as a string: ${CODE_LENGTHS} digits or letters. Spaces, hyphens and invisible characters are ignored. The digits may be of any script. If the length of the code is known, another length is a 400 at \`#/otpCode\`, which costs no attempt.`,
      examples: ['123456'],
    }),
  );

/** Optional. openapi.json states no `default`: with one, generated clients require the field. */
export const ChannelField = () =>
  applyDecorators(
    IsOptional(),
    IsIn(Object.keys(CHANNEL_MEANINGS), { message: 'The channel is sms, voice or whatsapp.' }),
    ApiProperty({
      required: false,
      ...describeEnum('How the code is delivered.', CHANNEL_MEANINGS),
    }),
  );

/** As UTF-8, every unpaired surrogate would become U+FFFD, so different texts would be equal. */
const IsWellFormed = () =>
  ValidateBy(
    {
      name: 'isWellFormed',
      validator: {
        validate: (value: unknown) => typeof value === 'string' && value.isWellFormed(),
      },
    },
    {
      message:
        'The text has half of a surrogate pair, as if it was cut inside a character. Give well-formed Unicode.',
    },
  );

/**
 * Optional. Only send limits the text: on verify, a reference that is too long or not well-formed
 * just does not match.
 */
export const ReferenceField = (
  description: string,
  message: string,
  { isLimited }: { isLimited: boolean },
) =>
  applyDecorators(
    IsOptional(),
    IsString({ message }),
    IsNotEmpty({ message }),
    ...(isLimited ? [MaxLength(MAX_REFERENCE_LENGTH, { message }), IsWellFormed()] : []),
    ApiProperty({
      minLength: 1,
      ...(isLimited && { maxLength: MAX_REFERENCE_LENGTH }),
      description,
      examples: ['login-4711'],
      required: false,
    }),
  );

/** Optional. The audience of a proof: the name of the service that will check the proof. */
export const ProofForField = () => {
  const message = `Give the name of the service that checks the proof, 1 to ${String(MAX_AUDIENCE_LENGTH)} characters, or none.`;
  return applyDecorators(
    IsOptional(),
    IsString({ message }),
    Length(1, MAX_AUDIENCE_LENGTH, { message }),
    IsWellFormed(),
    ApiProperty({
      minLength: 1,
      maxLength: MAX_AUDIENCE_LENGTH,
      description:
        'Asks for a `proof` in the response: a signed statement for another service that the number was verified. The value is the `aud` of the proof, which the other service compares with its own name. 400 if this service issues no proofs.',
      examples: ['orders'],
      required: false,
    }),
  );
};

/** Optional. IPv4 or IPv6; of IPv6 only the /64 prefix counts. */
export const EndUserIpField = () => {
  const message = 'Give an IPv4 or IPv6 address, or none.';
  return applyDecorators(
    IsOptional(),
    Transform(({ value }: { value: unknown }) =>
      // An invalid address becomes empty and is rejected; `undefined` and `null` count as absent.
      typeof value === 'string' ? (normalizeIp(value) ?? '') : value,
    ),
    IsString({ message }),
    IsNotEmpty({ message }),
    ApiProperty({
      minLength: 1,
      description:
        'The IP address of the end user, IPv4 or IPv6 (of which the /64 counts). Limits your messages for one user, so that nobody can send codes to many numbers.',
      examples: ['203.0.113.7'],
      required: false,
    }),
  );
};

/** Optional. For a language that no provider has, the message is in the default language. */
export const LocaleField = () =>
  applyDecorators(
    IsOptional(),
    ValidateBy(
      { name: 'locale', validator: { validate: isLanguageTag } },
      {
        message: `Give one BCP 47 language tag of at most ${String(MAX_LOCALE_LENGTH)} characters, such as de or pt-BR, or none.`,
      },
    ),
    ApiProperty({
      type: 'string',
      minLength: 1,
      maxLength: MAX_LOCALE_LENGTH,
      pattern: LANGUAGE_TAG.source,
      description:
        'The language of the message, as a BCP 47 tag; a resend keeps it. A language without a message of its own gets the nearest more general one, or else the default.',
      examples: ['pt-BR'],
      required: false,
    }),
  );
