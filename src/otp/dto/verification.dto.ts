import { describeEnum } from '../../openapi/describe-enum.js';
import { ApiProperty, ApiSchema } from '../../openapi/swagger.js';
import type { Verification } from '../../storage/verification.types.js';
import { DeliveryResponse } from './delivery.dto.js';
import { AttemptsRemainingProperty, TimeProperty, VerificationFields } from './response-fields.js';

@ApiSchema({ description: 'The current state of a verification.' })
export class VerificationResponse extends VerificationFields {
  @ApiProperty(
    describeEnum<Verification['status']>('The status of the verification.', {
      pending: 'a code can be checked',
      verified: 'the correct code was given',
      expired: 'the code has expired',
      exhausted: 'too many wrong codes were given',
      cancelled: 'by you, or by a newer send to the same number',
    }),
  )
  readonly status!: Verification['status'];

  @TimeProperty('When the code was sent.', '2030-01-01T00:00:00.000Z')
  readonly createdAt!: string;

  @TimeProperty('When the correct code was given.', '2030-01-01T00:00:20.000Z', { required: false })
  readonly verifiedAt?: string;

  @AttemptsRemainingProperty()
  readonly attemptsRemaining!: number;

  @ApiProperty({
    type: DeliveryResponse,
    required: false,
    description: 'Delivery of the newest message. Absent if delivery reports are switched off.',
  })
  readonly delivery?: DeliveryResponse;

  @ApiProperty({
    type: 'boolean',
    const: true,
    required: false,
    description: 'Only for a test number: its code is fixed and no message is sent.',
  })
  readonly test?: true;
}
