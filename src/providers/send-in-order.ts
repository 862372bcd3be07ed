import type { OtpProvider, SentCode } from './otp-provider.js';
import { ProviderError, SendFailedError } from './provider-error.js';

/** A code at the provider that generated it. */
export interface ProviderPin {
  readonly provider: string;
  /** The provider's own id. */
  readonly pinId: string;
}

/** A message that a provider accepted. */
export interface ProviderSendResult extends ProviderPin, SentCode {
  /** The providers called before this one with an unclear result: they may have sent a message, too. */
  readonly possiblySentBy: readonly string[];
}

/**
 * Sends by the first provider that accepts the message. If the number is unreachable, no other
 * provider is called, because it would fail too.
 * @throws SendFailedError
 */
export async function sendInOrder(
  providers: readonly OtpProvider[],
  send: (provider: OtpProvider) => Promise<SentCode>,
): Promise<ProviderSendResult> {
  const failures: ProviderError[] = [];
  const possiblySentBy: string[] = [];
  for (const provider of providers) {
    try {
      const { pinId, codeLength, messageId } = await send(provider);
      return { provider: provider.name, pinId, codeLength, messageId, possiblySentBy };
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      failures.push(error);
      if (error.ambiguous) possiblySentBy.push(provider.name);
      if (error.failure === 'destination_unreachable') {
        throw new SendFailedError(error, possiblySentBy);
      }
    }
  }
  throw new SendFailedError(findMostSpecific(failures), possiblySentBy);
}

/** Prefers a failure after which the message may have been sent, then one of a call that was made. */
function findMostSpecific(failures: readonly ProviderError[]): ProviderError {
  return (
    failures.find(({ ambiguous }) => ambiguous) ??
    failures.find(({ wasCalled }) => wasCalled) ??
    failures[0] ??
    new ProviderError('connection_failed')
  );
}
