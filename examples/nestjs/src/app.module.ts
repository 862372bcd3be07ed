import { Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { hours, ThrottlerModule } from '@nestjs/throttler';
import { createOtpClient } from 'otp-service-client';
import { AccountController } from './account.controller.js';
import { OtpErrorFilter } from './otp-error.filter.js';
import { OTP_CLIENT } from './otp-client.js';
import { StepUpController } from './step-up.controller.js';
import { StepUpGuard } from './step-up.guard.js';
import { StepUpService } from './step-up.service.js';

const { OTP_URL = 'http://127.0.0.1:3000', OTP_API_KEY, REQUESTS_PER_HOUR = '60' } = process.env;

@Module({
  imports: [
    // Limits the requests of each IP address to each route. The OTP service limits all users together.
    ThrottlerModule.forRoot({
      throttlers: [{ ttl: hours(1), limit: Number(REQUESTS_PER_HOUR) }],
      errorMessage: 'Please wait an hour, then try again.',
    }),
  ],
  controllers: [AccountController, StepUpController],
  providers: [
    {
      provide: OTP_CLIENT,
      useFactory: () => createOtpClient({ url: OTP_URL, apiKey: OTP_API_KEY }),
    },
    StepUpService,
    StepUpGuard,
    { provide: APP_FILTER, useClass: OtpErrorFilter },
  ],
})
export class AppModule {}
