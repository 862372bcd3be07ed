import { applyDecorators } from '@nestjs/common';
import { ValidateBy, ValidateIf, type ValidationArguments } from 'class-validator';
import type { PhoneNumber } from '../../common/phone-number.js';
import { describeEnum } from '../../openapi/describe-enum.js';
import { ApiProperty, ApiSchema, whenSwaggerLoads } from '../../openapi/swagger.js';
import type { VerificationClosedReason } from '../../common/label-values.js';
import {
  OtpCodeField,
  PhoneNumberField,
  PinIdField,
  ProofForField,
  ReferenceField,
} from './request-fields.js';
import { AttemptsRemainingProperty } from './response-fields.js';

function describeSelectorError({ object }: ValidationArguments): string {
  const { pinId, phoneNumber } = object as VerifyOtpDto;
  if (phoneNumber !== undefined) return 'Both pinId and phoneNumber are given. Give only one.';
  return pinId === undefined
    ? 'Neither pinId nor phoneNumber is given. Give one of them.'
    : 'Give the pinId that /otp/send returned, as a string.';
}

/** Selects the verification with the `pinId`, or the newest one of the `phoneNumber`. */
export class VerifyOtpDto {
  @ValidateIf(
    ({ pinId, phoneNumber }: VerifyOtpDto) => pinId !== undefined || phoneNumber === undefined,
  )
  @PinIdField(describeSelectorError)
  @ValidateBy(
    {
      name: 'withoutPhoneNumber',
      validator: {
        validate: (_pinId, args) => (args?.object as VerifyOtpDto).phoneNumber === undefined,
      },
    },
    { message: describeSelectorError },
  )
  readonly pinId?: string;

  @ValidateIf(({ phoneNumber }: VerifyOtpDto) => phoneNumber !== undefined)
  @PhoneNumberField('The number that the code was sent to.')
  readonly phoneNumber?: PhoneNumber;

  @OtpCodeField()
  readonly otpCode!: string;

  @ReferenceField('The `reference` given to send.', 'Give the reference of the send, or none.', {
    isLimited: false,
  })
  readonly reference?: string;

  @ProofForField()
  readonly proofFor?: string;
}

const CODE_AND_REFERENCE = { otpCode: '123456', reference: 'login-4711' };
/** Swagger UI fills in the first. Without `proofFor`, which only a service with proof keys accepts. */
const EXAMPLES = {
  byPinId: {
    summary: 'By pinId',
    value: { pinId: 'q8Jt1Xn0S2uYp4rVb6wLzA', ...CODE_AND_REFERENCE },
  },
  byPhoneNumber: {
    summary: 'By phone number',
    value: { phoneNumber: '+14155552671', ...CODE_AND_REFERENCE },
  },
};

/** Documents the two forms of a verify request's body. */
export const ApiVerifyBody = (): MethodDecorator =>
  whenSwaggerLoads(({ ApiBody, ApiExtraModels, getSchemaPath, OmitType }) => {
    @ApiSchema({
      description: 'Selects the verification by the `pinId` that send returned.',
      additionalProperties: false,
    })
    class VerifyByPinId extends OmitType(VerifyOtpDto, ['phoneNumber']) {}

    @ApiSchema({
      description: 'Selects the newest verification of the number.',
      additionalProperties: false,
    })
    class VerifyByPhoneNumber extends OmitType(VerifyOtpDto, ['pinId']) {}

    const forms = [VerifyByPinId, VerifyByPhoneNumber];
    const schema = { oneOf: forms.map((form) => ({ $ref: getSchemaPath(form) })) };
    return applyDecorators(
      ApiExtraModels(...forms),
      ApiBody({ required: true, schema, examples: EXAMPLES }),
    );
  });

const VerifiedProperty = (verified: boolean) =>
  ApiProperty({
    type: 'boolean',
    const: verified,
    description: 'Whether the code proves that the end user has the phone.',
  });

@ApiSchema({
  description:
    'The code is correct. Of concurrent requests with it, exactly one gets this response.',
})
export class VerifiedResponse {
  @VerifiedProperty(true)
  readonly verified!: true;

  @ApiProperty({
    pattern: '^[\\w-]+\\.[\\w-]+\\.[\\w-]+$',
    description:
      'Only with `proofFor`: a JSON Web Token that shows the named service that the number was verified. It expires after five minutes. A secret: it contains the number. A response repeated for an idempotency key has the same proof.',
    examples: [
      'eyJhbGciOiJFZERTQSIsImtpZCI6ImtleSIsInR5cCI6IkpXVCJ9.eyJhdWQiOiJvcmRlcnMifQ.c2lnbmF0dXJl',
    ],
    required: false,
  })
  readonly proof?: string;
}

@ApiSchema({ description: 'The code is wrong. `attemptsRemaining` more codes can be checked.' })
export class WrongCodeResponse {
  @VerifiedProperty(false)
  readonly verified!: false;

  @ApiProperty({ type: 'string', const: 'wrong_code', description: 'The code is wrong.' })
  readonly reason!: 'wrong_code';

  @AttemptsRemainingProperty()
  readonly attemptsRemaining!: number;
}

@ApiSchema({
  description: 'No code is accepted for this verification, or none with this `reference`.',
})
export class VerificationClosedResponse {
  @VerifiedProperty(false)
  readonly verified!: false;

  @ApiProperty(
    describeEnum<VerificationClosedReason>('Why the code is not accepted.', {
      expired: 'the code has expired',
      attempts_exhausted: 'too many wrong codes were given',
      already_verified: 'a code verifies once, and this one already did',
      cancelled: 'by you, or by a newer send to the same number',
      reference_mismatch: 'send was given another reference; no attempt was counted',
    }),
  )
  readonly reason!: VerificationClosedReason;
}
