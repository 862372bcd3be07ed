import { Body, Controller, Delete, HttpCode, Post, Session } from '@nestjs/common';
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
  @HttpCode(204)
  cancel(@Session() session: UserSession): Promise<void> {
    return this.stepUp.cancel(session);
  }
}
