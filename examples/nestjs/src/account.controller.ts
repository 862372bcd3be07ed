import { Body, Controller, Get, HttpCode, Post, Req, Session } from '@nestjs/common';
import { IsInt, IsString, Length, Max, Min } from 'class-validator';
import type { Request } from 'express';
import type { UserSession } from './session.js';
import { RequireStepUp } from './step-up.guard.js';

class SignInDto {
  @IsString()
  @Length(1, 64)
  name!: string;
}

class TransferDto {
  @IsInt()
  @Min(1)
  @Max(100_000)
  amount!: number;
}

/** Stands in for your table of users: the number on record by the user's name. */
const PHONE_NUMBERS: Record<string, string> = {
  ada: '+14155590001',
  grace: '+14155590002',
};

@Controller()
export class AccountController {
  /** Stands in for your own sign-in: accepts every name, without a password. */
  @Post('sign-in')
  @HttpCode(204)
  async signIn(@Req() request: Request, @Body() { name }: SignInDto): Promise<void> {
    const phoneNumber = PHONE_NUMBERS[name] ?? '+14155590003';
    // With a new session id, an id that an attacker planted in the browser is worthless.
    await new Promise<void>((resolve, reject) => {
      request.session.regenerate((error) => (error ? reject(error) : resolve()));
    });
    Object.assign(request.session, { user: { name, phoneNumber } });
  }

  @Get('account')
  show(@Session() { user, verifiedAt }: UserSession) {
    return { name: user?.name, verifiedAt };
  }

  /** Needs a code that this session verified in the last five minutes. */
  @Post('transfers')
  @RequireStepUp(300)
  transfer(@Body() { amount }: TransferDto) {
    return { transferred: amount };
  }
}
