import { Transform } from 'class-transformer';
import { IsString, Matches } from 'class-validator';
import { toAsciiText } from '../common/typed-text.js';

/** The number, as typed. */
export class DemoSendDto {
  @IsString({ message: 'Give the number as a string.' })
  readonly phoneNumber!: string;
}

/** The code, as typed. */
export class DemoVerifyDto {
  @Transform(({ value }: { value: unknown }) =>
    typeof value === 'string' ? toAsciiText(value).replace(/[ -]/g, '') : value,
  )
  @Matches(/^\d{4,10}$/, { message: 'Give the code as a string of 4 to 10 digits.' })
  readonly code!: string;
}
