import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import type { PhoneNumber } from '../common/phone-number.js';
import { matchesTestCode, findTestNumber } from '../common/test-number.js';
import type { CheckResult } from '../common/check-result.js';
import { destinationsConfig, type DestinationsConfig } from '../config/destinations.config.js';
import type { SendResult } from './provider-failover.js';

/** What the records call the provider of a code that was agreed beforehand. */
export const TEST_PROVIDER = 'test';

const TAKEN: SendResult = { provider: TEST_PROVIDER, pinId: 'agreed', possiblySentBy: [] };

/** Stands in for the vendors where a number's code was agreed beforehand: texts and asks nobody. */
@Injectable()
export class TestNumberProvider {
  constructor(
    @Inject(destinationsConfig.KEY) private readonly config: DestinationsConfig,
    private readonly clock: Clock,
  ) {}

  async send(): Promise<SendResult> {
    return TAKEN;
  }

  /** By the settings of now: a number that is none any more has no code. */
  async verify(to: PhoneNumber, code: string): Promise<CheckResult> {
    const testNumber = findTestNumber(this.config.testNumbers, to, this.clock.now());
    if (!testNumber) return 'expired';
    return matchesTestCode(testNumber, code) ? 'verified' : 'wrong_code';
  }
}
