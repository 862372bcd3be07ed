import { Body, Controller, HttpCode, HttpStatus, Post } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { ApiRoute } from '../openapi/api-route.decorator.js';
import { ApiTags } from '../openapi/swagger.js';
import { VerificationStore } from '../storage/verification-store.js';
import { RateLimit } from '../throttling/rate-limit.decorator.js';
import { CurrentClient, type RequestClient } from './current-client.decorator.js';
import { LookupResponse, PhoneNumberDto } from './dto/phone-number.dto.js';

/** Looks up and erases a client's own records of a phone number. */
@ApiTags('Numbers')
@Controller('otp/numbers')
export class NumbersController {
  constructor(
    private readonly store: VerificationStore,
    private readonly clock: Clock,
  ) {}

  @Post('lookup')
  @HttpCode(HttpStatus.OK)
  @RateLimit('verify')
  @ApiRoute({
    summary: 'Look up whether a number was verified',
    description: 'Returns whether you verified a number within the retention time of its records.',
    responses: { 200: { description: 'Whether the number was verified.', type: LookupResponse } },
  })
  async lookUpNumber(
    @Body() { phoneNumber }: PhoneNumberDto,
    @CurrentClient() { client, context }: RequestClient,
  ): Promise<LookupResponse> {
    const verifiedAt = await this.store.getLastVerifiedAt(phoneNumber, client, context);
    if (verifiedAt === undefined) return { verified: false };
    return { verified: true, verifiedAt: this.clock.toDate(verifiedAt).toISOString() };
  }

  @Post('erase')
  @HttpCode(HttpStatus.NO_CONTENT)
  @RateLimit('verify')
  @ApiRoute({
    summary: 'Erase a number',
    description:
      'Deletes all your verifications of a number. Its limits stay in force: they are stored with a hash of the number only.',
    responses: { 204: { description: 'None of your records contains the number any more.' } },
  })
  eraseNumber(
    @Body() { phoneNumber }: PhoneNumberDto,
    @CurrentClient() { client, context }: RequestClient,
  ): Promise<void> {
    return this.store.erase(phoneNumber, client, context);
  }
}
