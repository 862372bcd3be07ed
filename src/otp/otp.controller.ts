import { Body, Controller, HttpCode, HttpStatus, Post } from '@nestjs/common';
import { Limited } from '../throttling/limited.decorator.js';
import { SendRequest, type SendResponse } from './dto/send.dto.js';
import { VerifyRequest, type VerifyResponse } from './dto/verify.dto.js';
import { OtpService } from './otp.service.js';

@Controller('otp')
export class OtpController {
  constructor(private readonly otp: OtpService) {}

  @Post('send')
  @HttpCode(HttpStatus.OK)
  @Limited('send')
  send(@Body() request: SendRequest): Promise<SendResponse> {
    return this.otp.send(request);
  }

  @Post('verify')
  @HttpCode(HttpStatus.OK)
  @Limited('verify')
  verify(@Body() request: VerifyRequest): Promise<VerifyResponse> {
    return this.otp.verify(request);
  }
}
