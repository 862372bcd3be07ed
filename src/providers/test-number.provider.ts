import { Inject, Injectable } from '@nestjs/common';
import type { CheckResult } from '../common/check-result.js';
import { Clock } from '../common/clock.js';
import type { PhoneNumber } from '../common/phone-number.js';
import { findTestNumber, matchesTestCode } from '../common/test-number.js';
import { destinationsConfig, type DestinationsConfig } from '../config/destinations.config.js';
import type { OtpProvider } from './otp-provider.js';

const TEST_PROVIDER = 'test';

/** Whether a code belongs to a test number. */
export const isTestPin = ({ provider }: { readonly provider: string }): boolean =>
  provider === TEST_PROVIDER;

/** The provider of the numbers in `TEST_NUMBERS`: their codes are in the settings, nothing is sent. */
@Injectable()
export class TestNumberProvider implements OtpProvider {
  readonly name = TEST_PROVIDER;

  constructor(
    @Inject(destinationsConfig.KEY) private readonly config: DestinationsConfig,
    private readonly clock: Clock,
  ) {}

  async send(): Promise<string> {
    return 'test-pin';
  }

  async resend(_to: PhoneNumber, providerPinId: string): Promise<string> {
    return providerPinId;
  }

  /** Reads the present settings: a number that was removed from them has no code. */
  async verify(to: PhoneNumber, _providerPinId: string, code: string): Promise<CheckResult> {
    const testNumber = findTestNumber(this.config.testNumbers, to, this.clock.now());
    if (!testNumber) return 'expired';
    return matchesTestCode(testNumber, code) ? 'verified' : 'wrong_code';
  }
}
