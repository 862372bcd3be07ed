import { Injectable } from '@nestjs/common';
import type { Channel } from '../common/channel.js';
import type { PhoneNumber } from '../common/phone-number.js';
import type { RequestContext } from '../common/request-context.js';
import type { Verdict } from '../common/verdict.js';
import { Failover, type HeldCode, type Taken } from './failover.js';
import type { ProviderError } from './provider-error.js';
import { TEST_PROVIDER, TestNumbers } from './test-numbers.js';

/** Who makes, delivers and judges codes: the vendors, and for test numbers the settings. */
@Injectable()
export class Couriers {
  constructor(
    private readonly vendors: Failover,
    private readonly testNumbers: TestNumbers,
  ) {}

  /** As {@link Failover.refusal}. */
  refusal(test: boolean): ProviderError | undefined {
    return test ? undefined : this.vendors.refusal();
  }

  /** As {@link Failover.send}. @throws NotTaken */
  send(to: PhoneNumber, channel: Channel, test: boolean, context?: RequestContext): Promise<Taken> {
    return test ? this.testNumbers.send() : this.vendors.send(to, channel, context);
  }

  /** As {@link Failover.resend}. @throws NotTaken */
  resend(
    to: PhoneNumber,
    held: HeldCode,
    channel: Channel,
    context?: RequestContext,
  ): Promise<Taken> {
    return isTest(held) ? this.testNumbers.send() : this.vendors.resend(to, held, channel, context);
  }

  /** As {@link Failover.verify}. @throws ProviderError */
  verify(
    to: PhoneNumber,
    held: HeldCode,
    code: string,
    context?: RequestContext,
  ): Promise<Verdict> {
    return isTest(held)
      ? this.testNumbers.verify(to, code)
      : this.vendors.verify(to, held, code, context);
  }
}

export const isTest = ({ provider }: Pick<HeldCode, 'provider'>): boolean =>
  provider === TEST_PROVIDER;
