import type { Channel } from '../common/channel.js';
import { DomainError } from '../common/domain-error.js';
import type { PhoneNumber } from '../common/phone-number.js';
import type { ProviderName } from '../common/provider-name.js';
import type { RequestContext } from '../common/request-context.js';
import type { Verdict } from '../common/verdict.js';
import type { GuardedProvider } from './guarded-provider.js';
import { ProviderError } from './provider-error.js';

/** A code at the provider that made it, under that provider's handle. */
export interface HeldCode {
  readonly provider: string;
  readonly pinId: string;
}

/** A text that a provider has taken. */
export interface Taken extends HeldCode {
  /** Providers that were asked before and gave no clear answer: they may have sent a text too. */
  readonly maybeTexted: readonly ProviderName[];
}

/** No provider has taken a text. It is the error of the one whose failure tells the most. */
export class NotTaken extends DomainError {
  override readonly name = 'NotTaken';

  constructor(
    { code, message, retryAfterMs }: ProviderError,
    /** Providers that may have sent a text all the same. */
    readonly maybeTexted: readonly ProviderName[],
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
    private readonly providers: readonly GuardedProvider[],
  ) {}

  /** Why nobody would be asked for a new code now; `undefined` where somebody would. */
  refusal(): ProviderError | undefined {
    const refusals = this.providers.flatMap((provider) => provider.refusal() ?? []);
    return refusals.length < this.providers.length ? undefined : refusals[0];
  }

  /**
   * Has a new code sent to `to`.
   * @throws NotTaken
   */
  send(to: PhoneNumber, channel: Channel, context?: RequestContext): Promise<Taken> {
    return this.firstToTake(this.providers, (provider) => provider.send(to, channel, context));
  }

  /**
   * Has the code that went to `to` sent once more by who holds it, or a new one by another.
   * @throws NotTaken
   */
  resend(
    to: PhoneNumber,
    held: HeldCode,
    channel: Channel,
    context?: RequestContext,
  ): Promise<Taken> {
    const holder = this.holderOf(held);
    const others = this.providers.filter((provider) => provider !== holder);
    return this.firstToTake(holder ? [holder, ...others] : others, (provider) =>
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
    held: HeldCode,
    code: string,
    context?: RequestContext,
  ): Promise<Verdict> {
    const holder = this.holderOf(held);
    if (!holder) throw new ProviderError('unavailable', { evidence: 'NOT_IN_PROVIDERS' });
    return holder.verify(to, held.pinId, code, context);
  }

  /** `undefined` where the settings do not name it any more. */
  private holderOf({ provider }: HeldCode): GuardedProvider | undefined {
    return this.providers.find(({ name }) => name === provider);
  }

  private async firstToTake(
    providers: readonly GuardedProvider[],
    ask: (provider: GuardedProvider) => Promise<string>,
  ): Promise<Taken> {
    const failures: ProviderError[] = [];
    const maybeTexted: ProviderName[] = [];
    for (const provider of providers) {
      try {
        const pinId = await ask(provider);
        return { provider: provider.name, pinId, maybeTexted };
      } catch (error) {
        if (!(error instanceof ProviderError)) throw error;
        failures.push(error);
        if (error.ambiguous) maybeTexted.push(provider.name);
        if (error.failure === 'destination_unreachable') throw new NotTaken(error, maybeTexted);
      }
    }
    throw new NotTaken(mostTelling(failures), maybeTexted);
  }
}

/** That a text may have left; else what somebody answered; else why nobody was asked. */
function mostTelling(failures: readonly ProviderError[]): ProviderError {
  return (
    failures.find(({ ambiguous }) => ambiguous) ??
    failures.find(({ asked }) => asked) ??
    failures[0] ??
    new ProviderError('unavailable')
  );
}
