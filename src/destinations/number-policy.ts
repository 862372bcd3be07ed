import { Inject, Injectable } from '@nestjs/common';
import type { Channel } from '../common/channel.js';
import { errors } from '../common/domain-error.js';
import { NON_GEOGRAPHIC, type NumberType, type PhoneNumber } from '../common/phone-number.js';
import { PrefixRules } from '../common/phone-prefix.js';
import { findActiveTestNumber } from '../common/test-number.js';
import { destinationsConfig, type DestinationsConfig } from '../config/destinations.config.js';
import { ALL_COUNTRIES } from '../config/list-parsers.js';

/** Where a message may be sent. */
export interface CheckedDestination {
  /** ISO 3166 code, or `001` for a number that belongs to no country. */
  readonly country: string;
  /** E.164 without the last four digits. */
  readonly prefix: string;
  /** Nothing is sent: the code is in the settings. */
  readonly isTestNumber: boolean;
  /** `TRUSTED_PREFIXES` matches: its messages have no fraud budget. */
  readonly isTrusted: boolean;
}

/** Decides by the number itself, its prefix, country and type, whether it may be messaged. */
@Injectable()
export class NumberPolicy {
  protected readonly allowedCountries: ReadonlySet<string>;
  private readonly blockedTypes: ReadonlySet<string>;
  private readonly prefixes: PrefixRules;

  constructor(@Inject(destinationsConfig.KEY) private readonly config: DestinationsConfig) {
    this.allowedCountries = new Set(config.allowedCountries);
    this.blockedTypes = new Set(config.blockedTypes);
    this.prefixes = new PrefixRules(config.blockedPrefixes, config.trustedPrefixes);
  }

  /**
   * Checks the number, not its traffic. Test numbers are always allowed.
   * @throws DomainError `validation_failed` or `destination_not_allowed`
   */
  check(number: PhoneNumber, channel: Channel, now: number): CheckedDestination {
    // Read once, because libphonenumber takes some microseconds to find the type.
    const { country, prefix, type } = number;
    if (findActiveTestNumber(this.config.testNumbers, number, now)) {
      return { country, prefix, isTestNumber: true, isTrusted: false };
    }
    const isTrusted = this.checkPrefix(number);
    if (!isTrusted) this.assertHasCountry(country);
    this.assertValid(type);
    if (!isTrusted) {
      this.assertCountryAllowed(country);
      this.assertTypeAllowed(type, channel);
    }
    return { country, prefix, isTestNumber: false, isTrusted };
  }

  /**
   * Checks a number that was messaged before: the channel may be another one, and the settings too.
   * @throws DomainError `destination_not_allowed`
   */
  checkResend(number: PhoneNumber, channel: Channel): void {
    if (!this.checkPrefix(number)) this.assertTypeAllowed(number.type, channel);
  }

  /**
   * Returns whether the prefix of a number is trusted.
   * @throws DomainError `destination_not_allowed` with a message that does not name the rule: it may be
   * about this number alone
   */
  private checkPrefix(number: PhoneNumber): boolean {
    const rule = this.prefixes.find(number);
    if (rule === 'blocked') throw errors.destinationNotAllowed();
    return rule === 'trusted';
  }

  /** A type may be blocked on all channels or on one. */
  private assertTypeAllowed(type: NumberType | undefined, channel: Channel): void {
    if (type === undefined) return;
    if (this.blockedTypes.has(type)) {
      throw errors.destinationNotAllowed({ message: 'Messages to this number type are blocked.' });
    }
    if (this.blockedTypes.has(`${channel}:${type}`)) {
      throw errors.destinationNotAllowed({
        message: `Messages by ${channel} to this number type are blocked.`,
      });
    }
  }

  private assertHasCountry(country: string): void {
    if (country !== NON_GEOGRAPHIC || this.allowedCountries.has(NON_GEOGRAPHIC)) return;
    const message = 'Messages to numbers of no country are blocked.';
    throw errors.destinationNotAllowed({ message });
  }

  private assertValid(type: NumberType | undefined): void {
    if (type !== undefined || this.config.numberCheck === 'possible') return;
    const detail = 'This number is not valid in its country. Check the digits.';
    throw errors.validationFailed({ fieldErrors: [{ pointer: '#/phoneNumber', detail }] });
  }

  private assertCountryAllowed(country: string): void {
    if (this.allowedCountries.has(country) || this.allowedCountries.has(ALL_COUNTRIES)) return;
    throw errors.destinationNotAllowed({ message: 'Messages to this country are blocked.' });
  }
}
