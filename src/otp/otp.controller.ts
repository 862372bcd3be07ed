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
import { ApiRoute } from '../openapi/api-route.decorator.js';
import { ApiParam, ApiTags } from '../openapi/swagger.js';
import { RateLimit } from '../throttling/rate-limit.decorator.js';
import { CodeVerificationService } from './code-verification.service.js';
import { prepareBody } from './idempotent-response.js';
import { CurrentClient, type RequestClient } from './current-client.decorator.js';
import { ResendOtpDto, SendOtpDto, SendOtpResponse } from './dto/send-otp.dto.js';
import { VerificationResponse } from './dto/verification.dto.js';
import {
  ApiVerifyBody,
  VerificationClosedResponse,
  VerifiedResponse,
  VerifyOtpDto,
  WrongCodeResponse,
} from './dto/verify-otp.dto.js';
import { OtpService } from './otp.service.js';

const Reply = () => Res({ passthrough: true });

const ApiPinIdParam = () =>
  ApiParam({
    name: 'pinId',
    description: 'The `pinId` that send returned.',
    schema: { type: 'string', examples: ['q8Jt1Xn0S2uYp4rVb6wLzA'] },
  });

const MESSAGE_ACCEPTED = {
  200: { description: 'The provider has accepted the message.', type: SendOtpResponse },
};

@ApiTags('Verifications')
@Controller('otp')
export class OtpController {
  constructor(
    private readonly otp: OtpService,
    private readonly codes: CodeVerificationService,
  ) {}

  @Post('send')
  @HttpCode(HttpStatus.OK)
  @RateLimit('send')
  @ApiRoute({
    summary: 'Send a code',
    description:
      'Sends a new code to a phone. It replaces the previous code of that number once the provider has accepted the message. Keep `pinId` in the session that asked for the code.',
    responses: MESSAGE_ACCEPTED,
    idempotent: true,
  })
  async sendCode(
    @Body() request: SendOtpDto,
    @CurrentClient({ idempotent: true }) client: RequestClient,
    @Reply() reply: FastifyReply,
  ): Promise<SendOtpResponse> {
    return prepareBody(await this.otp.send(request, client), reply);
  }

  @Post('resend')
  @HttpCode(HttpStatus.OK)
  @RateLimit('send')
  @ApiRoute({
    summary: 'Send the same code again',
    description:
      'Sends the code of a pending verification once more. Its expiry and its attempts stay as they are. A provider that makes a code for each message (Sinch) sends a new one. A code is not sent again in the last 30 seconds before it expires, or in the second half of a lifetime under a minute. Infobip sends a code six times at most by SMS.',
    responses: MESSAGE_ACCEPTED,
    idempotent: true,
  })
  async resendCode(
    @Body() request: ResendOtpDto,
    @CurrentClient({ idempotent: true }) client: RequestClient,
    @Reply() reply: FastifyReply,
  ): Promise<SendOtpResponse> {
    return prepareBody(await this.otp.resend(request, client), reply);
  }

  @Post('verify')
  @HttpCode(HttpStatus.OK)
  @RateLimit('verify')
  @ApiVerifyBody()
  @ApiRoute({
    summary: 'Check a code',
    description:
      'Checks a code. A code that is not accepted is no error: the response is 200 with `verified: false` and the reason. With an `Idempotency-Key`, a client whose connection broke can retry and still get `verified: true`.',
    responses: {
      200: {
        description: 'The code was checked.',
        type: [VerifiedResponse, WrongCodeResponse, VerificationClosedResponse],
      },
    },
    idempotent: true,
  })
  async verifyCode(
    @Body() request: VerifyOtpDto,
    @CurrentClient({ idempotent: true }) client: RequestClient,
    @Reply() reply: FastifyReply,
  ): Promise<VerifiedResponse | WrongCodeResponse | VerificationClosedResponse> {
    return prepareBody(await this.codes.verify(request, client), reply);
  }

  @Get(':pinId')
  @RateLimit('verify')
  @ApiPinIdParam()
  @ApiRoute({
    summary: 'Get a verification',
    description:
      'Returns the state of a verification. Only the response of verify proves that the end user has the phone.',
    responses: { 200: { description: 'The verification.', type: VerificationResponse } },
  })
  getVerification(
    @Param('pinId') pinId: string,
    @CurrentClient() client: RequestClient,
  ): Promise<VerificationResponse> {
    return this.otp.getVerification(pinId, client);
  }

  @Delete(':pinId')
  @HttpCode(HttpStatus.NO_CONTENT)
  @RateLimit('verify')
  @ApiPinIdParam()
  @ApiRoute({
    summary: 'Cancel a verification',
    description: 'Ends a pending verification. A verification that has ended stays as it is.',
    responses: { 204: { description: 'Its code is no longer accepted.' } },
  })
  cancelVerification(
    @Param('pinId') pinId: string,
    @CurrentClient() client: RequestClient,
  ): Promise<void> {
    return this.otp.cancel(pinId, client);
  }
}
