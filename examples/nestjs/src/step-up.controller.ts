import { Body, Controller, Delete, HttpCode, Post, Session, UseGuards } from '@nestjs/common';
import { SkipThrottle, ThrottlerGuard } from '@nestjs/throttler';
import { IsString, Length } from 'class-validator';
import type { UserSession } from './session.js';
import { StepUpService, type CodeSent } from './step-up.service.js';

class CodeDto {
  // The OTP service checks the code; here only its length is limited.
  @IsString()
  @Length(1, 40)
  code!: string;
}

@Controller('step-up')
@UseGuards(ThrottlerGuard)
export class StepUpController {
  constructor(private readonly stepUp: StepUpService) {}

  @Post('send-otp')
  @HttpCode(200)
  send(@Session() session: UserSession): Promise<CodeSent> {
    return this.stepUp.send(session);
  }

  @Post('resend-otp')
  @HttpCode(200)
  resend(@Session() session: UserSession): Promise<CodeSent> {
    return this.stepUp.resend(session);
  }

  @Post('verify-otp')
  @HttpCode(204)
  verify(@Session() session: UserSession, @Body() { code }: CodeDto): Promise<void> {
    return this.stepUp.verify(session, code);
  }

  @Delete()
  @SkipThrottle()
  @HttpCode(204)
  cancel(@Session() session: UserSession): Promise<void> {
    return this.stepUp.cancel(session);
  }
}
