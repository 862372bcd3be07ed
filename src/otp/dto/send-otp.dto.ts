import type { Channel } from '../../common/channel.js';
import type { PhoneNumber } from '../../common/phone-number.js';
import { ApiSchema } from '../../openapi/swagger.js';
import {
  ChannelField,
  EndUserIpField,
  LocaleField,
  PhoneNumberField,
  PinIdField,
  ReferenceField,
} from './request-fields.js';
import { TimeProperty, VerificationFields } from './response-fields.js';

@ApiSchema({ description: 'Where to send a code, and for what.', additionalProperties: false })
export class SendOtpDto {
  @PhoneNumberField('The number to send the code to.')
  readonly phoneNumber!: PhoneNumber;

  @ChannelField()
  readonly channel?: Channel;

  @ReferenceField(
    'What the code is for, such as a login attempt or a payment: verify must repeat it. 1 to 128 characters; only a keyed hash of it is stored.',
    'Give a reference of 1 to 128 characters, or none.',
    { isLimited: true },
  )
  readonly reference?: string;

  @ReferenceField(
    'A value of yours, such as the id of an order: returned in the events of this verification and nowhere else. 1 to 128 characters, stored encrypted.',
    'Give an eventReference of 1 to 128 characters, or none.',
    { isLimited: true },
  )
  readonly eventReference?: string;

  @EndUserIpField()
  readonly endUserIp?: string;

  @LocaleField()
  readonly locale?: string;
}

@ApiSchema({
  description: 'The verification whose code to send again.',
  additionalProperties: false,
})
export class ResendOtpDto {
  @PinIdField('Give the pinId that /otp/send returned, as a string.')
  readonly pinId!: string;

  @ChannelField()
  readonly channel?: Channel;
}

@ApiSchema({ description: 'The provider has accepted the message.' })
export class SendOtpResponse extends VerificationFields {
  @TimeProperty(
    'Before this time no other message is sent to the number.',
    '2030-01-01T00:00:30.000Z',
  )
  readonly resendAvailableAt!: string;
}
