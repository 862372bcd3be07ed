import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { SendOtpDto, VerifyOtpDto } from './otp.dto.js';
import { OtpService } from './otp.service.js';

@Controller('otp')
export class OtpController {
  constructor(private readonly otp: OtpService) {}

  @Post('send')
  @HttpCode(200)
  send(@Body() { phoneNumber }: SendOtpDto): Promise<{ pinId: string }> {
    return this.otp.send(phoneNumber);
  }

  @Post('verify')
  @HttpCode(200)
  verify(@Body() { pinId, otpCode }: VerifyOtpDto): Promise<{ verified: boolean }> {
    return this.otp.verify(pinId, otpCode);
  }
}
