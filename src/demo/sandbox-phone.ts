import { Inject, Injectable } from '@nestjs/common';
import { DomainError } from '../common/domain-error.js';
import { seconds } from '../common/durations.js';
import type { PhoneNumber } from '../common/phone-number.js';
import { providersConfig, type ProvidersConfig } from '../config/providers.config.js';

/** A message as the phone shows it. */
export interface PhoneMessage {
  readonly from: string;
  readonly text: string;
  readonly code: string;
  /** ISO 8601, UTC. */
  readonly sentAt: string;
}

const TIMEOUT_MS = seconds(2);

/**
 * The phone that the page shows beside the form, in place of the end user's own phone. Its messages come
 * from the sandbox, which delivers a message before the send returns.
 */
@Injectable()
export class SandboxPhone {
  constructor(@Inject(providersConfig.KEY) private readonly config: ProvidersConfig) {}

  /**
   * The messages to the number, oldest first, without the provider's ids.
   * @throws DomainError `provider_unavailable` if the sandbox fails or does not respond in time
   */
  async listMessages({ e164 }: PhoneNumber): Promise<PhoneMessage[]> {
    const { url = '' } = this.config.sandbox ?? {};
    const inbox = await readInbox(`${url}/sandbox/messages?to=${e164.slice(1)}`).catch(
      (cause: unknown) => {
        throw new DomainError('provider_unavailable', {
          message: "Cannot read the sandbox's messages.",
          cause,
        });
      },
    );
    return inbox
      .reverse()
      .map(({ from, text, pin, sentAt }) => ({ from, text, code: pin, sentAt }));
  }
}

/** The fields of a message in the sandbox's list that the phone shows. */
type InboxEntry = Omit<PhoneMessage, 'code'> & { readonly pin: string };

async function readInbox(url: string): Promise<InboxEntry[]> {
  const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (!response.ok) throw new Error(`The sandbox returned ${String(response.status)}.`);
  return (await response.json()) as InboxEntry[];
}
