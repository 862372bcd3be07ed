import type { Channel } from '../common/channel.js';
import { DomainError } from '../common/domain-error.js';
import type { PhoneNumber } from '../common/phone-number.js';
import type { ProviderName } from '../common/provider-name.js';
import type { RequestContext } from '../common/request-context.js';
import type { CheckResult } from '../common/check-result.js';
import type { ResilientProvider } from './resilient-provider.js';
import { ProviderError } from './provider-error.js';

/** A code at the provider that made it, under that provider's handle. */
export interface ProviderPin {
  readonly provider: string;
  readonly pinId: string;
}

/** A text that a provider has taken. */
export interface SendResult extends ProviderPin {
  /** Providers that were asked before and gave no clear answer: they may have sent a text too. */
  readonly possiblySentBy: readonly ProviderName[];
}

/** No provider has taken a text. It is the error of the one whose failure tells the most. */
export class SendFailedError extends DomainError {
  override readonly name = 'SendFailedError';

  constructor(
    { code, message, retryAfterMs }: ProviderError,
    /** Providers that may have sent a text all the same. */
    readonly possiblySentBy: readonly ProviderName[],
  ) {
    super(code, { message, retryAfterMs });
  }
}

/**
 * The providers as one: asks the first in order of preference that can be asked, and the next
 * where that is no fault of the number's. Each has `PROVIDER_TIMEOUT`, so all of it ends within so
 * many times that as there are providers. None is asked twice for one text.
 */
export class Failover {
  constructor(
    /** In order of preference. */
    private readonly providers: readonly ResilientProvider[],
  ) {}

  /** Why nobody would be asked for a new code now; `undefined` where somebody would. */
  unavailableReason(): ProviderError | undefined {
    const refusals = this.providers.flatMap((provider) => provider.unavailableReason() ?? []);
    return refusals.length < this.providers.length ? undefined : refusals[0];
  }

  /**
   * Has a new code sent to `to`.
   * @throws SendFailedError
   */
  send(to: PhoneNumber, channel: Channel, context?: RequestContext): Promise<SendResult> {
    return this.tryInOrder(this.providers, (provider) => provider.send(to, channel, context));
  }

  /**
   * Has the code that went to `to` sent once more by who holds it, or a new one by another.
   * @throws SendFailedError
   */
  resend(
    to: PhoneNumber,
    held: ProviderPin,
    channel: Channel,
    context?: RequestContext,
  ): Promise<SendResult> {
    const holder = this.issuerOf(held);
    const others = this.providers.filter((provider) => provider !== holder);
    return this.tryInOrder(holder ? [holder, ...others] : others, (provider) =>
      provider === holder
        ? provider.resend(to, held.pinId, channel, context)
        : provider.send(to, channel, context),
    );
  }

  /**
   * Has a code judged by who holds it, and nobody else.
   * @throws ProviderError
   */
  async verify(
    to: PhoneNumber,
    held: ProviderPin,
    code: string,
    context?: RequestContext,
  ): Promise<CheckResult> {
    const holder = this.issuerOf(held);
    if (!holder) throw new ProviderError('connection_failed', { detail: 'NOT_IN_PROVIDERS' });
    return holder.verify(to, held.pinId, code, context);
  }

  /** `undefined` where the settings do not name it any more. */
  private issuerOf({ provider }: ProviderPin): ResilientProvider | undefined {
    return this.providers.find(({ name }) => name === provider);
  }

  private async tryInOrder(
    providers: readonly ResilientProvider[],
    ask: (provider: ResilientProvider) => Promise<string>,
  ): Promise<SendResult> {
    const failures: ProviderError[] = [];
    const possiblySentBy: ProviderName[] = [];
    for (const provider of providers) {
      try {
        const pinId = await ask(provider);
        return { provider: provider.name, pinId, possiblySentBy: possiblySentBy };
      } catch (error) {
        if (!(error instanceof ProviderError)) throw error;
        failures.push(error);
        if (error.ambiguous) possiblySentBy.push(provider.name);
        if (error.failure === 'destination_unreachable')
          throw new SendFailedError(error, possiblySentBy);
      }
    }
    throw new SendFailedError(mostSpecificError(failures), possiblySentBy);
  }
}

/** That a text may have left; else what somebody answered; else why nobody was asked. */
function mostSpecificError(failures: readonly ProviderError[]): ProviderError {
  return (
    failures.find(({ ambiguous }) => ambiguous) ??
    failures.find(({ wasCalled: asked }) => asked) ??
    failures[0] ??
    new ProviderError('connection_failed')
  );
}
