import { Transform } from 'class-transformer';
import { IsIn, IsNotEmpty, IsOptional, IsString, MaxLength } from 'class-validator';
import { normalizeIp } from '../../common/network-address.js';
import type { PhoneNumber } from '../../common/phone-number.js';
import type { Channel } from '../../common/channel.js';
import { PhoneNumberField } from './phone-number.field.js';

const CHANNELS: readonly Channel[] = ['sms', 'voice'];
const CHANNEL_RULE = { message: 'The channel is sms or voice.' };
const REFERENCE_RULE = { message: 'Give a reference of 1 to 128 characters, or none.' };
const ADDRESS_RULE = { message: 'Give an IPv4 or IPv6 address, or none.' };
const LONGEST_REFERENCE = 128;

export class SendOtpDto {
  /** Whom to text, in E.164 form. */
  @PhoneNumberField()
  readonly phoneNumber!: PhoneNumber;

  /** How the code travels; `sms` unless said. */
  @IsOptional()
  @IsIn(CHANNELS, CHANNEL_RULE)
  readonly channel?: Channel;

  /** The caller's own context, such as a login attempt; verify has to bring the same. */
  @IsOptional()
  @IsString(REFERENCE_RULE)
  @IsNotEmpty(REFERENCE_RULE)
  @MaxLength(LONGEST_REFERENCE, REFERENCE_RULE)
  readonly reference?: string;

  /** The address of the user for whom the caller asks: IPv4, or IPv6 of which the /64 counts. */
  @IsOptional()
  @Transform(({ value }: { value: unknown }) =>
    // Not `undefined`: an address that cannot be read is not one that was left out.
    typeof value === 'string' ? (normalizeIp(value) ?? '') : value,
  )
  @IsString(ADDRESS_RULE)
  @IsNotEmpty(ADDRESS_RULE)
  readonly endUserIp?: string;
}

export class ResendOtpDto {
  /** The handle that send answered with. */
  @IsString({ message: 'Give the pinId that /otp/send answered with, as a string.' })
  @IsNotEmpty({ message: 'Give the pinId that /otp/send answered with.' })
  readonly pinId!: string;

  /** How the code travels; `sms` unless said. */
  @IsOptional()
  @IsIn(CHANNELS, CHANNEL_RULE)
  readonly channel?: Channel;
}

export interface SendOtpResponse {
  /** Handle for verify: random, opaque, URL-safe. */
  readonly pinId: string;
  /** The number, masked: `+1415•••2671`. */
  readonly to: string;
  readonly channel: Channel;
  /** From this moment on the code is refused; ISO 8601, UTC. */
  readonly expiresAt: string;
  /** Before this moment the number gets no other text; ISO 8601, UTC. */
  readonly resendAvailableAt: string;
}
