import { IsNotEmpty, IsOptional, IsString, Matches, ValidateBy, ValidateIf } from 'class-validator';
import type { PhoneNumber } from '../../common/phone-number.js';
import { PhoneNumberField } from './phone-number.field.js';

const EITHER_RULE = {
  message: 'Give either the pinId that /otp/send answered with or a phoneNumber.',
};
const REFERENCE_RULE = { message: 'Give the reference of the send, or none.' };

/** Names the verification by `pinId`, or by `phoneNumber` as the newest of that number. */
export class VerifyOtpDto {
  /** The handle that send answered with. */
  @ValidateIf(
    ({ pinId, phoneNumber }: VerifyOtpDto) => pinId !== undefined || phoneNumber === undefined,
  )
  @IsString(EITHER_RULE)
  @IsNotEmpty(EITHER_RULE)
  @ValidateBy(
    {
      name: 'alone',
      validator: {
        validate: (_pinId, args) => (args?.object as VerifyOtpDto).phoneNumber === undefined,
      },
    },
    EITHER_RULE,
  )
  readonly pinId?: string;

  /** The number that was texted, in E.164 form. */
  @ValidateIf(({ phoneNumber }: VerifyOtpDto) => phoneNumber !== undefined)
  @PhoneNumberField()
  readonly phoneNumber?: PhoneNumber;

  /** What the user typed. */
  @Matches(/^[0-9a-z]{4,10}$/i, {
    message: 'Give the code as a string of 4 to 10 digits or letters.',
  })
  readonly otpCode!: string;

  /** The same as at send. */
  @IsOptional()
  @IsString(REFERENCE_RULE)
  @IsNotEmpty(REFERENCE_RULE)
  readonly reference?: string;
}
