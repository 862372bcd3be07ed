import { IsIn, IsOptional } from 'class-validator';
import type { PhoneNumber } from '../../common/phone-number.js';
import { PhoneNumberField } from './phone-number.field.js';

export class SendRequest {
  /** Whom to text, in E.164 form. */
  @PhoneNumberField()
  readonly phoneNumber!: PhoneNumber;

  /** How the code travels. */
  @IsOptional()
  @IsIn(['sms'], { message: 'The channel is sms.' })
  readonly channel?: 'sms';
}

export interface SendResponse {
  /** Handle for verify: random, opaque, URL-safe. */
  readonly pinId: string;
  /** The number, masked: `+1415•••2671`. */
  readonly to: string;
  readonly channel: 'sms';
  /** From this moment on the code is refused; ISO 8601, UTC. */
  readonly expiresAt: string;
  /** Before this moment the number gets no other text; ISO 8601, UTC. */
  readonly resendAvailableAt: string;
}
