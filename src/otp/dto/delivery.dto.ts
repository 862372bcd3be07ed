import type { ClientDelivery, UndeliveredReason } from '../../common/delivery-status.js';
import { describeEnum } from '../../openapi/describe-enum.js';
import { ApiProperty, ApiSchema } from '../../openapi/swagger.js';
import { TimeProperty } from './response-fields.js';

@ApiSchema({ description: 'What the provider reports of the newest message of a verification.' })
export class DeliveryResponse implements ClientDelivery {
  @ApiProperty(
    describeEnum<ClientDelivery['status']>('Whether the message arrived.', {
      pending: 'accepted by the provider, and its delivery not reported yet',
      delivered: 'it arrived',
      undelivered: 'it did not arrive; `reason` says why',
      unknown: 'the provider cannot say, or the code expired without a report',
    }),
  )
  readonly status!: ClientDelivery['status'];

  @ApiProperty({
    required: false,
    ...describeEnum<UndeliveredReason>('Why it did not arrive.', {
      unreachable: 'the phone is off, or the number is not in use',
      rejected: 'the operator or the provider rejected the message',
      expired: 'the provider gave up',
      blocked: 'by the operator, the end user or a fraud filter',
      flooded: 'too many messages to this number',
      no_credit: "this service's account at the provider has no credit",
    }),
  })
  readonly reason?: UndeliveredReason;

  @TimeProperty('When the message got this status.', '2030-01-01T00:00:05.000Z', {
    required: false,
  })
  readonly at?: string;
}
