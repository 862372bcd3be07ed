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
  /** The request that the call is part of. Its ID is sent, to match the provider's logs with ours. */
  readonly context?: RequestContext | undefined;
  /** The client that made this request; absent for a call without a client, such as that of a command. */
  readonly client?: string | undefined;
  /** Aborts the call. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of a call that sends a message. */
export interface ProviderSendOptions extends ProviderCallOptions {
  /** A canonical BCP 47 tag. If it is absent, empty or unknown, the message is in the default language. */
  readonly locale?: string | undefined;
  /** The service's reference for the message, which Sinch repeats when it asks whether to send it. */
  readonly reference?: string | undefined;
  /** The client's templates; by default those in the settings. Only Infobip has templates. */
  readonly templates?: MessageTemplates | undefined;
}

/** A code that a provider has sent. */
export interface SentCode {
  /** The provider's id of the code; never sent to clients. */
  readonly pinId: string;
  /** How many digits the code has; absent if that is not known, or if the code may have letters. */
  readonly codeLength?: number | undefined;
  /** The message's id in delivery reports. Absent if reports are off, empty if the provider gave no id. */
  readonly messageId?: string | undefined;
}

/**
 * The interface to a provider, which generates a code, delivers it and checks what the end user enters.
 * Its adapter maps every failure to {@link ProviderError}. Options that only one provider uses say so.
 */
export abstract class OtpProvider {
  /** The name used in `PROVIDERS`; stored with each verification. */
  abstract readonly name: string;

  /** The channels that the provider delivers by. No message by another channel is requested. */
  abstract readonly channels: readonly Channel[];

  /** How many SMS to a number are delivered. Absent if the provider drops none without an error. */
  readonly floodFilter?: FloodFilter | undefined;

  /** How many attempts the provider allows for one code. Absent if only `OTP_MAX_ATTEMPTS` limits them. */
  readonly attemptsPerCode?: number | undefined;

  /** Sends a new code by one of `channels`. @throws ProviderError */
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

  /**
   * Checks a code.
   * @returns `attempts_exhausted` if the provider no longer knows the code
   * @throws ProviderError if the provider gave no result
   */
  abstract verify(
    to: PhoneNumber,
    providerPinId: string,
    code: string,
    options?: ProviderCallOptions,
  ): Promise<CheckResult>;

  /**
   * Finds whether a code was verified, after the response to a check was lost.
   * @returns `unknown` if the provider has no result
   * @param sentAfter when the first message was requested, in milliseconds since the epoch
   * @throws ProviderError if the provider does not respond.
   */
  abstract findVerified(
    to: PhoneNumber,
    providerPinId: string,
    sentAfter: number,
    options?: ProviderCallOptions,
  ): Promise<EarlierCheckResult>;
}
