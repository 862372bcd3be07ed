import type { PhoneNumber } from '../common/phone-number.js';
import type { Channel } from '../common/channel.js';
import type { ProviderName } from '../common/provider-name.js';
import type { RequestContext } from '../common/request-context.js';
import type { CheckResult } from '../common/check-result.js';

/** What goes with a call besides what is asked. */
export interface CallOptions {
  /** From connect to last byte, in milliseconds; `PROVIDER_TIMEOUT` unless told. */
  readonly timeoutMs?: number | undefined;
  /** Of the request that the call is for; the vendor is told it. */
  readonly context?: RequestContext | undefined;
}

/**
 * A vendor that makes a code, delivers it and judges what comes back. An adapter's failures are
 * all {@link ProviderError}; no vendor word passes this line.
 */
export abstract class OtpProvider {
  abstract readonly name: ProviderName;

  /**
   * Has a new code sent to `to`, as a text or read out in a call.
   * @returns the vendor's handle for the code; it stays inside the service.
   * @throws ProviderError
   */
  abstract send(to: PhoneNumber, channel: Channel, terms?: CallOptions): Promise<string>;

  /**
   * Has the code that went to `to` under this handle sent once more, or another one in its place
   * where the vendor sends none twice.
   * @returns the handle from now on; it may be another one.
   * @throws ProviderError, `pin_not_found` where the vendor does not know the code any more.
   */
  abstract resend(
    to: PhoneNumber,
    providerPinId: string,
    channel: Channel,
    terms?: CallOptions,
  ): Promise<string>;

  /**
   * Has a code judged that was sent to `to` under this handle.
   * @throws ProviderError where no judgement was heard.
   */
  abstract verify(
    to: PhoneNumber,
    providerPinId: string,
    code: string,
    terms?: CallOptions,
  ): Promise<CheckResult>;
}
