import { Inject, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { type DomainError, errors } from '../common/domain-error.js';
import type { PhoneNumber } from '../common/phone-number.js';
import { findTestNumber } from '../common/test-number.js';
import { destinationsConfig, type DestinationsConfig } from '../config/destinations.config.js';
import { serviceConfig, type ServiceConfig } from '../config/service.config.js';

/** Why a number is never texted, whatever its history. */
type RejectionReason = 'impossible' | 'country' | 'type';

/** Where a text may go. */
export interface Destination {
  /** ISO 3166 code, or `001` for a number that belongs to no country. */
  readonly country: string;
  /** E.164 less the last four digits. */
  readonly prefix: string;
  /** Nothing is sent: the code was agreed beforehand. */
  readonly test: boolean;
}

/** Decides by the number alone who may be texted: its plan, its country, its kind. */
@Injectable()
export class DestinationPolicy implements OnApplicationBootstrap {
  private readonly logger = new Logger(DestinationPolicy.name);
  private readonly countries: ReadonlySet<string> | undefined;
  private readonly blockedTypes: ReadonlySet<string>;

  constructor(
    @Inject(destinationsConfig.KEY) private readonly config: DestinationsConfig,
    @Inject(serviceConfig.KEY) private readonly service: ServiceConfig,
  ) {
    const { allowedCountries, blockedTypes } = config;
    this.countries = allowedCountries && new Set(allowedCountries);
    this.blockedTypes = new Set(blockedTypes);
  }

  onApplicationBootstrap(): void {
    if (this.service.isProduction && !this.countries) {
      this.logger.warn('ALLOWED_COUNTRIES is *: every country may be texted. List your own.');
    }
  }

  /** @throws DomainError `validation_failed` or `destination_not_allowed` */
  check(number: PhoneNumber, now: number): Destination {
    const { country, prefix } = number;
    const test = findTestNumber(this.config.testNumbers, number, now) !== undefined;
    const refusal = test ? undefined : this.refusalOf(number);
    if (refusal) throw errorOf(refusal);
    return { country, prefix, test };
  }

  private refusalOf({ country, type }: PhoneNumber): RejectionReason | undefined {
    if (type === undefined) return 'impossible';
    if (this.countries && !this.countries.has(country)) return 'country';
    if (this.blockedTypes.has(type)) return 'type';
    return undefined;
  }
}

function errorOf(refusal: RejectionReason): DomainError {
  switch (refusal) {
    case 'impossible':
      return errors.validationFailed({
        fieldErrors: [
          { pointer: '#/phoneNumber', detail: 'Give a number that its country hands out.' },
        ],
      });
    case 'country':
      return errors.destinationNotAllowed({ message: 'Messages to this country are blocked.' });
    case 'type':
      return errors.destinationNotAllowed({ message: 'Messages to this number type are blocked.' });
  }
}
