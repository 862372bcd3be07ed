import { Inject, Injectable } from '@nestjs/common';
import { CHANNELS } from '../common/channel.js';
import type { CheckResult, EarlierCheckResult } from '../common/check-result.js';
import { Clock } from '../common/clock.js';
import type { PhoneNumber } from '../common/phone-number.js';
import { findActiveTestNumber, matchesTestCode, type TestNumber } from '../common/test-number.js';
import { destinationsConfig, type DestinationsConfig } from '../config/destinations.config.js';
import type { OtpProvider, SentCode } from './otp-provider.js';

const TEST_PROVIDER = 'test';

export const isTestProvider = (name: string): boolean => name === TEST_PROVIDER;

/** The provider of the numbers in `TEST_NUMBERS`. Their codes are in the setting, and nothing is sent. */
@Injectable()
export class TestNumberProvider implements OtpProvider {
  readonly name = TEST_PROVIDER;
  readonly channels = CHANNELS;

  constructor(
    @Inject(destinationsConfig.KEY) private readonly config: DestinationsConfig,
    private readonly clock: Clock,
  ) {}

  async send(to: PhoneNumber): Promise<SentCode> {
    const code = this.findTestNumber(to)?.code ?? '';
    return { pinId: 'test-pin', codeLength: /^\d+$/.test(code) ? code.length : undefined };
  }

  /** Takes the code from the setting again, because it may have changed since the send. */
  resend(to: PhoneNumber): Promise<SentCode> {
    return this.send(to);
  }

  /** A test number that expired or was removed from the setting since the send has no code. */
  async verify(to: PhoneNumber, _providerPinId: string, code: string): Promise<CheckResult> {
    const testNumber = this.findTestNumber(to);
    if (!testNumber) return 'expired';
    return matchesTestCode(testNumber, code) ? 'verified' : 'wrong_code';
  }

  /** Unknown, because this provider stores no results. */
  async findVerified(): Promise<EarlierCheckResult> {
    return 'unknown';
  }

  private findTestNumber(to: PhoneNumber): TestNumber | undefined {
    return findActiveTestNumber(this.config.testNumbers, to, this.clock.now());
  }
}
