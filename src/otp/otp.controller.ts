import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  HttpStatus,
  Param,
  Post,
  Res,
} from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { VerifyResult } from '../storage/verification-store.js';
import { Described } from '../openapi/described.decorator.js';
import { RateLimit } from '../throttling/rate-limit.decorator.js';
import { sendBody } from './idempotent-response.js';
import { CurrentClient, type RequestClient } from './current-client.decorator.js';
import { ResendOtpDto, SendOtpDto, type SendOtpResponse } from './dto/send-otp.dto.js';
import type { VerificationResponse } from './dto/verification.dto.js';
import { VerifyOtpDto } from './dto/verify-otp.dto.js';
import { CANCEL, RESEND, SEND, STATUS, VERIFY } from './otp.descriptions.js';
import { OtpService } from './otp.service.js';

const Reply = () => Res({ passthrough: true });

@Controller('otp')
export class OtpController {
  constructor(private readonly otp: OtpService) {}

  @Post('send')
  @HttpCode(HttpStatus.OK)
  @RateLimit('send')
  @Described(SEND)
  async send(
    @Body() request: SendOtpDto,
    @CurrentClient() caller: RequestClient,
    @Reply() reply: FastifyReply,
  ): Promise<SendOtpResponse> {
    return sendBody(await this.otp.send(request, caller), reply);
  }

  @Post('resend')
  @HttpCode(HttpStatus.OK)
  @RateLimit('send')
  @Described(RESEND)
  async resend(
    @Body() request: ResendOtpDto,
    @CurrentClient() caller: RequestClient,
    @Reply() reply: FastifyReply,
  ): Promise<SendOtpResponse> {
    return sendBody(await this.otp.resend(request, caller), reply);
  }

  @Post('verify')
  @HttpCode(HttpStatus.OK)
  @RateLimit('verify')
  @Described(VERIFY)
  async verify(
    @Body() request: VerifyOtpDto,
    @CurrentClient() caller: RequestClient,
    @Reply() reply: FastifyReply,
  ): Promise<VerifyResult> {
    return sendBody(await this.otp.verify(request, caller), reply);
  }

  @Get(':pinId')
  @RateLimit('verify')
  @Described(STATUS)
  status(
    @Param('pinId') pinId: string,
    @CurrentClient() caller: RequestClient,
  ): Promise<VerificationResponse> {
    return this.otp.status(pinId, caller);
  }

  @Delete(':pinId')
  @HttpCode(HttpStatus.NO_CONTENT)
  @RateLimit('verify')
  @Described(CANCEL)
  cancel(@Param('pinId') pinId: string, @CurrentClient() caller: RequestClient): Promise<void> {
    return this.otp.cancel(pinId, caller);
  }
}
