import { applyDecorators } from '@nestjs/common';
import { Transform } from 'class-transformer';
import { ValidateBy } from 'class-validator';
import { PhoneNumber } from '../../common/phone-number.js';

/** A field that arrives as E.164 text and is read, once, into a {@link PhoneNumber}. */
export const PhoneNumberField = () =>
  applyDecorators(
    // Not `undefined`: a number that cannot be read is not a number that was left out.
    Transform(({ value }) => PhoneNumber.parse(value) ?? null),
    ValidateBy(
      {
        name: 'phoneNumber',
        validator: { validate: (value: unknown) => value instanceof PhoneNumber },
      },
      { message: 'Give a phone number in E.164 form: + and country code, as in +14155552671.' },
    ),
  );
