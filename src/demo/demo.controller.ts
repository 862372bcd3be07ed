import {
  Body,
  Controller,
  Get,
  HttpCode,
  HttpStatus,
  Post,
  Req,
  Res,
  UseGuards,
} from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { DomainError } from '../common/domain-error.js';
import { normalizeIp } from '../common/network-address.js';
import { explainInvalidPhoneNumber } from '../common/phone-number-input.js';
import { PhoneNumber } from '../common/phone-number.js';
import { ApiExcludeController } from '../openapi/swagger.js';
import { CurrentClient, type RequestClient } from '../otp/current-client.decorator.js';
import { RateLimit } from '../throttling/rate-limit.decorator.js';
import { DemoSessions } from './demo-sessions.js';
import type { DemoState } from './demo-state.js';
import { DemoSendDto, DemoVerifyDto } from './demo.dto.js';
import { DemoService } from './demo.service.js';
import { type PhoneMessage, SandboxPhone } from './sandbox-phone.js';
import { SameOriginGuard } from './same-origin.guard.js';

/**
 * The back end of the demo page, in place of the back end that a website would have. It acts for the
 * client of requests without an API key: the page exists only if no API keys are configured.
 *
 * It calls the service in process. An HTTP request to the API would come from the service's own address,
 * and count against the rate limits a second time: the page and the API share these limits.
 */
@ApiExcludeController()
@Controller('demo')
export class DemoController {
  constructor(
    private readonly sessions: DemoSessions,
    private readonly demo: DemoService,
    private readonly phone: SandboxPhone,
  ) {}

  /** The state of the session, which is opened here: a reload during the first send finds its result. */
  @Get('state')
  @RateLimit('verify')
  getState(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
    @CurrentClient() client: RequestClient,
  ): Promise<DemoState> {
    return this.demo.getState(this.sessions.open(request, reply), client);
  }

  @Post('send')
  @HttpCode(HttpStatus.OK)
  @UseGuards(SameOriginGuard)
  @RateLimit('send')
  sendCode(
    @Body() { phoneNumber: text }: DemoSendDto,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
    @CurrentClient({ idempotent: true }) client: RequestClient,
  ): Promise<DemoState> {
    const phoneNumber = PhoneNumber.parse(text);
    if (!phoneNumber) {
      const fieldError = { pointer: '#/phoneNumber', detail: explainInvalidPhoneNumber(text) };
      throw new DomainError('validation_failed', { fieldErrors: [fieldError] });
    }
    const session = this.sessions.open(request, reply);
    return this.demo.send(session, phoneNumber, normalizeIp(request.ip), client);
  }

  /** The body is an empty object: the session knows which code to send again. */
  @Post('resend')
  @HttpCode(HttpStatus.OK)
  @UseGuards(SameOriginGuard)
  @RateLimit('send')
  resendCode(
    @Body() _body: object,
    @Req() request: FastifyRequest,
    @CurrentClient({ idempotent: true }) client: RequestClient,
  ): Promise<DemoState> {
    const session = this.sessions.find(request) ?? {};
    return this.demo.resend(session, normalizeIp(request.ip), client);
  }

  @Post('verify')
  @HttpCode(HttpStatus.OK)
  @UseGuards(SameOriginGuard)
  @RateLimit('verify')
  verifyCode(
    @Body() { code }: DemoVerifyDto,
    @Req() request: FastifyRequest,
    @CurrentClient({ idempotent: true }) client: RequestClient,
  ): Promise<DemoState> {
    return this.demo.verify(this.sessions.find(request) ?? {}, code, client);
  }

  /** The messages for the phone that the page shows beside the form. */
  @Get('messages')
  @RateLimit('verify')
  async listMessages(@Req() request: FastifyRequest): Promise<readonly PhoneMessage[]> {
    const { phoneNumber } = this.sessions.find(request) ?? {};
    return phoneNumber ? this.phone.listMessages(phoneNumber) : [];
  }
}
