import { Injectable } from '@nestjs/common';
import type { Channel } from '../common/channel.js';
import type { PhoneNumber } from '../common/phone-number.js';
import type { RequestContext } from '../common/request-context.js';
import type { CheckResult } from '../common/check-result.js';
import { Failover, type ProviderPin, type SendResult } from './provider-failover.js';
import type { ProviderError } from './provider-error.js';
import { TEST_PROVIDER, TestNumberProvider } from './test-number.provider.js';

/** Who makes, delivers and judges codes: the vendors, and for test numbers the settings. */
@Injectable()
export class Couriers {
  constructor(
    private readonly vendors: Failover,
    private readonly testNumbers: TestNumberProvider,
  ) {}

  /** As {@link Failover.unavailableReason}. */
  refusal(test: boolean): ProviderError | undefined {
    return test ? undefined : this.vendors.unavailableReason();
  }

  /** As {@link Failover.send}. @throws SendFailedError */
  send(
    to: PhoneNumber,
    channel: Channel,
    test: boolean,
    context?: RequestContext,
  ): Promise<SendResult> {
    return test ? this.testNumbers.send() : this.vendors.send(to, channel, context);
  }

  /** As {@link Failover.resend}. @throws SendFailedError */
  resend(
    to: PhoneNumber,
    held: ProviderPin,
    channel: Channel,
    context?: RequestContext,
  ): Promise<SendResult> {
    return isTest(held) ? this.testNumbers.send() : this.vendors.resend(to, held, channel, context);
  }

  /** As {@link Failover.verify}. @throws ProviderError */
  verify(
    to: PhoneNumber,
    held: ProviderPin,
    code: string,
    context?: RequestContext,
  ): Promise<CheckResult> {
    return isTest(held)
      ? this.testNumbers.verify(to, code)
      : this.vendors.verify(to, held, code, context);
  }
}

export const isTest = ({ provider }: Pick<ProviderPin, 'provider'>): boolean =>
  provider === TEST_PROVIDER;
