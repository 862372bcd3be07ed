import type { Channel } from '../common/channel.js';
import type { CheckResult, EarlierCheckResult } from '../common/check-result.js';
import type { FloodFilter } from '../common/flood-filter.js';
import type { PhoneNumber } from '../common/phone-number.js';
import type { RequestContext } from '../common/request-context.js';
import type { MessageTemplates } from '../config/providers.config.js';

/** Options of one provider call. */
export interface ProviderCallOptions {
  /** From connect to last byte, in milliseconds; by default `PROVIDER_TIMEOUT`. */
  readonly timeoutMs?: number | undefined;
  /** Its request ID is sent, so that the provider's logs can be matched with ours. */
  readonly context?: RequestContext | undefined;
  /** Aborts the call. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of a call that sends a message. */
export interface ProviderSendOptions extends ProviderCallOptions {
  /** A canonical BCP 47 tag; absent or empty for the default language, as for an unknown one. */
  readonly locale?: string | undefined;
  /** The service's own reference of the message, for a provider that asks about it before it sends. */
  readonly reference?: string | undefined;
  /** Those of the client; by default those of the settings. Only Infobip has templates. */
  readonly templates?: MessageTemplates | undefined;
}

/** A code that a provider has sent. */
export interface SentCode {
  /** The provider's id of the code; never sent to clients. */
  readonly pinId: string;
  /** How many digits it has; absent if that is not known, or if it may have letters. */
  readonly codeLength?: number | undefined;
  /** The id of the message in delivery reports: absent if none are asked for, empty if it has none. */
  readonly messageId?: string | undefined;
}

/**
 * The port to a provider: it generates a code, delivers it and checks what the end user enters. An
 * adapter maps every failure to {@link ProviderError} and exposes nothing provider-specific.
 */
export abstract class OtpProvider {
  /** The name used in `PROVIDERS`; stored with each verification. */
  abstract readonly name: string;

  /** The channels that it delivers by. It is asked for no other. */
  abstract readonly channels: readonly Channel[];

  /** Limits the SMS to one number. Absent if the provider passes on every one, or rejects it. */
  readonly floodFilter?: FloodFilter | undefined;

  /** How many attempts it allows for one code. Absent if only `OTP_MAX_ATTEMPTS` limits them. */
  readonly attemptsPerCode?: number | undefined;

  /** Sends a new code to `to`, by one of its channels. @throws ProviderError */
  abstract send(
    to: PhoneNumber,
    channel: Channel,
    options?: ProviderSendOptions,
  ): Promise<SentCode>;

  /**
   * Sends the same code again, or a new one if the provider cannot repeat a code.
   * @returns the code, whose id may differ from that of `sent`.
   * @throws ProviderError `pin_not_found` if the provider no longer knows the code.
   */
  abstract resend(
    to: PhoneNumber,
    sent: SentCode,
    channel: Channel,
    options?: ProviderSendOptions,
  ): Promise<SentCode>;

  /** Checks a code. @throws ProviderError if the provider gave no result. */
  abstract verify(
    to: PhoneNumber,
    providerPinId: string,
    code: string,
    options?: ProviderCallOptions,
  ): Promise<CheckResult>;

  /**
   * Finds whether a code was verified, because the answer to a check was lost.
   * @param sentAfter when the first message was requested, in milliseconds since the epoch
   * @throws ProviderError if the provider does not answer.
   */
  abstract findVerified(
    to: PhoneNumber,
    providerPinId: string,
    sentAfter: number,
    options?: ProviderCallOptions,
  ): Promise<EarlierCheckResult>;
}
