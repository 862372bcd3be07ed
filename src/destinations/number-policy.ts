import { Inject, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import type { DestinationRules } from '../clients/client-rules.js';
import type { Channel } from '../common/channel.js';
import { DomainError } from '../common/domain-error.js';
import { NON_GEOGRAPHIC, type NumberType, type PhoneNumber } from '../common/phone-number.js';
import { findActiveTestNumber } from '../common/test-number.js';
import { destinationsConfig, type DestinationsConfig } from '../config/destinations.config.js';
import { ALL_COUNTRIES } from '../config/list-parsers.js';
import { serviceConfig, type ServiceConfig } from '../config/service.config.js';

/** A number that may be messaged. */
export interface CheckedDestination {
  /** ISO 3166 code, or `001` for a number that belongs to no country. */
  readonly country: string;
  /** See {@link PhoneNumber.prefix}. */
  readonly prefix: string;
  /** Whether no message is sent, because the number's code is in the settings. */
  readonly isTestNumber: boolean;
  /** Whether `TRUSTED_PREFIXES` matches the number: no fraud budget limits its messages. */
  readonly isTrusted: boolean;
}

/** Every provider has these channels, so they can be suggested. */
const COMMON_CHANNELS: readonly Channel[] = ['sms', 'voice'];

/** Decides by the number itself, its prefix, country and type, whether it may be messaged. */
@Injectable()
export class NumberPolicy implements OnApplicationBootstrap {
  private readonly logger = new Logger(NumberPolicy.name);

  constructor(
    @Inject(destinationsConfig.KEY) private readonly config: DestinationsConfig,
    @Inject(serviceConfig.KEY) private readonly service: ServiceConfig,
  ) {}

  onApplicationBootstrap(): void {
    if (this.service.isProduction && this.config.allowedCountries.includes(ALL_COUNTRIES)) {
      this.logger.warn('ALLOWED_COUNTRIES is *, which allows every country. List those you serve.');
    }
  }

  /**
   * Checks the number, not its traffic. Test numbers are always allowed. A trusted prefix needs
   * neither an allowed country nor an allowed type.
   * @param rules the rules of the client that sends the message
   * @param now in milliseconds since the epoch, to tell which test numbers have expired
   * @throws DomainError `validation_failed` or `destination_not_allowed`
   */
  check(
    number: PhoneNumber,
    channel: Channel,
    rules: DestinationRules,
    now: number,
  ): CheckedDestination {
    // Read once, because libphonenumber takes some microseconds to find the type.
    const { country, prefix, type } = number;
    if (findActiveTestNumber(this.config.testNumbers, number, now)) {
      return { country, prefix, isTestNumber: true, isTrusted: false };
    }
    const isTrusted = checkPrefix(number, country, rules);
    // Before assertValid, whose message speaks of the number's country.
    if (!isTrusted) assertHasCountry(country, rules);
    this.assertValid(type);
    if (!isTrusted) {
      assertCountryAllowed(country, rules);
      assertTypeAllowed({ country, type }, channel, rules);
    }
    return { country, prefix, isTestNumber: false, isTrusted };
  }

  /**
   * Checks a number again before a resend, because the channel or the rules may have changed.
   * @param number the number that the code was sent to
   * @throws DomainError `destination_not_allowed`
   */
  checkResend(number: PhoneNumber, channel: Channel, rules: DestinationRules): void {
    const { country, type } = number;
    assertIsOnChannel(number, channel);
    if (checkPrefix(number, country, rules)) return;
    assertHasCountry(country, rules);
    assertCountryAllowed(country, rules);
    assertTypeAllowed({ country, type }, channel, rules);
  }

  private assertValid(type: NumberType | undefined): void {
    if (type !== undefined || this.config.numberCheck === 'possible') return;
    const detail = 'This number is not valid in its country. Check the digits.';
    throw new DomainError('validation_failed', {
      fieldErrors: [{ pointer: '#/phoneNumber', detail }],
    });
  }
}

/**
 * Returns whether the prefix of a number is trusted.
 * @throws DomainError `destination_not_allowed` for a blocked prefix. The message does not name the
 * rule, because the rule may be about this number alone.
 */
function checkPrefix(
  number: PhoneNumber,
  country: string,
  { prefixes }: DestinationRules,
): boolean {
  const rule = prefixes.find(number);
  if (rule === 'blocked') throw rejectDestination(country);
  return rule === 'trusted';
}

/** The same code cannot be sent to another number, and a message would need another one. */
function assertIsOnChannel(number: PhoneNumber, channel: Channel): void {
  if (number.forChannel(channel) === number) return;
  const message = 'This code can be sent to this number by voice only.';
  throw rejectDestination(number.country, message, `Send a new code by ${channel}.`);
}

function assertHasCountry(country: string, { allowedCountries }: DestinationRules): void {
  if (country !== NON_GEOGRAPHIC || allowedCountries.has(NON_GEOGRAPHIC)) return;
  throw rejectDestination(country, 'Messages to numbers of no country are blocked.');
}

function assertCountryAllowed(country: string, { allowedCountries }: DestinationRules): void {
  if (allowedCountries.has(country) || allowedCountries.has(ALL_COUNTRIES)) return;
  throw rejectDestination(country, 'Messages to this country are blocked.');
}

/** A type may be blocked on all channels or on one. */
function assertTypeAllowed(
  { country, type }: Pick<PhoneNumber, 'country' | 'type'>,
  channel: Channel,
  { blockedTypes }: DestinationRules,
): void {
  if (type === undefined) return;
  if (blockedTypes.has(type)) {
    throw rejectDestination(country, 'Messages to this number type are blocked.');
  }
  const isBlockedOn = (name: Channel) => blockedTypes.has(`${name}:${type}`);
  if (!isBlockedOn(channel)) return;
  const other = COMMON_CHANNELS.find((name) => !isBlockedOn(name));
  throw rejectDestination(
    country,
    `Messages by ${channel} to this number type are blocked.`,
    other && `Use another channel such as ${other}, or ask the end user for another number.`,
  );
}

const rejectDestination = (country: string, message?: string, action?: string): DomainError =>
  new DomainError('destination_not_allowed', { message, action, auditDetails: { country } });
