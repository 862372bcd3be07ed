import type { Channel } from '../../common/channel.js';
import { MAX_CODE_LENGTH, MIN_CODE_LENGTH } from '../../common/code-length.js';
import { describeEnum } from '../../openapi/describe-enum.js';
import { ApiProperty } from '../../openapi/swagger.js';

export const TimeProperty = (description: string, example: string, { required = true } = {}) =>
  ApiProperty({
    format: 'date-time',
    description: `${description} ISO 8601, UTC.`,
    examples: [example],
    required,
  });

export const AttemptsRemainingProperty = () =>
  ApiProperty({
    type: 'integer',
    minimum: 0,
    description: 'How many more codes can be checked for this verification.',
    examples: [4],
  });

/** The fields that every response about one verification has. */
export abstract class VerificationFields {
  @ApiProperty({
    pattern: '^[A-Za-z0-9_-]{22,}$',
    description: 'Handle of the verification: random, opaque, URL-safe.',
    examples: ['q8Jt1Xn0S2uYp4rVb6wLzA'],
  })
  readonly pinId!: string;

  @ApiProperty({
    pattern: '^\\+\\d+•••\\d+$',
    description: 'The phone number, masked.',
    examples: ['+1415•••2671'],
  })
  readonly to!: string;

  @ApiProperty(
    describeEnum<Channel>('How the code was delivered.', {
      sms: 'as a text message',
      voice: 'read out in a call',
      whatsapp: 'as a WhatsApp message',
    }),
  )
  readonly channel!: Channel;

  @TimeProperty('From this time on the code is rejected.', '2030-01-01T00:05:00.000Z')
  readonly expiresAt!: string;

  @ApiProperty({
    type: 'integer',
    minimum: MIN_CODE_LENGTH,
    maximum: MAX_CODE_LENGTH,
    description:
      'How many digits the code has. Absent if that is not known, or if codes may have letters.',
    examples: [6],
    required: false,
  })
  readonly codeLength?: number;
}
