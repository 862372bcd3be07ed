import { IsOptional, IsPhoneNumber, IsString, Length } from 'class-validator';

export class SendOtpDto {
  @IsPhoneNumber()
  phoneNumber!: string;

  @IsOptional()
  @IsString()
  endUserIp?: string;
}

export class VerifyOtpDto {
  @IsString()
  pinId!: string;

  @IsString()
  @Length(4, 8)
  otpCode!: string;
}
