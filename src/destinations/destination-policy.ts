import { Inject, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { errors } from '../common/domain-error.js';
import type { PhoneNumber } from '../common/phone-number.js';
import { findActiveTestNumber } from '../common/test-number.js';
import { destinationsConfig, type DestinationsConfig } from '../config/destinations.config.js';
import { serviceConfig, type ServiceConfig } from '../config/service.config.js';
import { SmsPumpingDetector } from './sms-pumping-detector.js';

/** Where a message may be sent. */
export interface CheckedDestination {
  /** ISO 3166 code, or `001` for a number that belongs to no country. */
  readonly country: string;
  /** E.164 without the last four digits. */
  readonly prefix: string;
  /** Nothing is sent: the code is in the settings. */
  readonly isTestNumber: boolean;
}

/**
 * Decides who may be messaged: by the number itself (its country and type), and by the traffic of
 * its destination ({@link SmsPumpingDetector}).
 */
@Injectable()
export class DestinationPolicy implements OnApplicationBootstrap {
  private readonly logger = new Logger(DestinationPolicy.name);
  private readonly allowedCountries: ReadonlySet<string> | undefined;
  private readonly blockedTypes: ReadonlySet<string>;

  constructor(
    @Inject(destinationsConfig.KEY) private readonly config: DestinationsConfig,
    @Inject(serviceConfig.KEY) private readonly service: ServiceConfig,
    readonly smsPumping: SmsPumpingDetector,
  ) {
    this.allowedCountries = config.allowedCountries && new Set(config.allowedCountries);
    this.blockedTypes = new Set(config.blockedTypes);
  }

  onApplicationBootstrap(): void {
    if (this.service.isProduction && !this.allowedCountries) {
      this.logger.warn('ALLOWED_COUNTRIES is *: messages to every country. List your own.');
    }
  }

  /**
   * Checks a number without its history. Test numbers are always allowed.
   * @throws DomainError `validation_failed` or `destination_not_allowed`
   */
  check(number: PhoneNumber, now: number): CheckedDestination {
    const { country, prefix } = number;
    const isTestNumber = findActiveTestNumber(this.config.testNumbers, number, now) !== undefined;
    if (!isTestNumber) this.assertAllowed(number);
    return { country, prefix, isTestNumber };
  }

  private assertAllowed({ country, type }: PhoneNumber): void {
    if (type === undefined) {
      const detail = 'Give a number that its country hands out.';
      throw errors.validationFailed({ fieldErrors: [{ pointer: '#/phoneNumber', detail }] });
    }
    if (this.allowedCountries && !this.allowedCountries.has(country)) {
      throw errors.destinationNotAllowed({ message: 'Messages to this country are blocked.' });
    }
    if (this.blockedTypes.has(type)) {
      throw errors.destinationNotAllowed({ message: 'Messages to this number type are blocked.' });
    }
  }
}
