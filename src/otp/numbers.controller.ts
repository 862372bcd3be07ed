import { Body, Controller, HttpCode, HttpStatus, Post } from '@nestjs/common';
import { Described } from '../openapi/described.decorator.js';
import { VerificationStore } from '../storage/verification-store.js';
import { RateLimit } from '../throttling/rate-limit.decorator.js';
import { CurrentClient, type RequestClient } from './current-client.decorator.js';
import { PhoneNumberDto, type LookupResponse } from './dto/phone-number.dto.js';
import { ERASE, LOOKUP } from './numbers.descriptions.js';

/** What is on record about a phone number, for the client that asks. */
@Controller('otp/numbers')
export class NumbersController {
  constructor(private readonly store: VerificationStore) {}

  @Post('lookup')
  @HttpCode(HttpStatus.OK)
  @RateLimit('verify')
  @Described(LOOKUP)
  async lookup(
    @Body() { phoneNumber }: PhoneNumberDto,
    @CurrentClient() { client }: RequestClient,
  ): Promise<LookupResponse> {
    const verifiedAt = await this.store.lastVerifiedAt(phoneNumber, client);
    if (verifiedAt === undefined) return { verified: false };
    return { verified: true, verifiedAt: new Date(verifiedAt).toISOString() };
  }

  @Post('erase')
  @HttpCode(HttpStatus.NO_CONTENT)
  @RateLimit('verify')
  @Described(ERASE)
  erase(
    @Body() { phoneNumber }: PhoneNumberDto,
    @CurrentClient() { client }: RequestClient,
  ): Promise<void> {
    return this.store.erase(phoneNumber, client);
  }
}
