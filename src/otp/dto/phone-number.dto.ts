import type { PhoneNumber } from '../../common/phone-number.js';
import { ApiProperty, ApiSchema } from '../../openapi/swagger.js';
import { PhoneNumberField } from './request-fields.js';
import { TimeProperty } from './response-fields.js';

@ApiSchema({
  description: 'A phone number; in a body, because URLs end up in logs.',
  additionalProperties: false,
})
export class PhoneNumberDto {
  @PhoneNumberField('The number to look up or erase.')
  readonly phoneNumber!: PhoneNumber;
}

@ApiSchema({ description: 'Whether a number was verified.' })
export class LookupResponse {
  @ApiProperty({
    description: 'Whether you verified this number within the retention time of its records.',
    examples: [true],
  })
  readonly verified!: boolean;

  @TimeProperty('When it was last verified.', '2030-01-01T00:00:20.000Z', { required: false })
  readonly verifiedAt?: string;
}
