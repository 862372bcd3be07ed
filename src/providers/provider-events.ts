import { Injectable } from '@nestjs/common';
import type { ProviderName } from '../common/provider-name.js';
import type { ProviderError } from './provider-error.js';

/** What providers are asked for; each has its own circuit. */
export type Operation = 'send' | 'resend' | 'verify';

/** `half_open`: one call probes whether the provider is back. */
export type CircuitState = 'closed' | 'open' | 'half_open';

/** What happened to a provider. Carries nothing of a request. */
export type ProviderEvent = {
  readonly provider: ProviderName;
  readonly operation: Operation;
} & (
  | {
      readonly type: 'called';
      readonly durationMs: number;
      /** `undefined` for a call that went well. */
      readonly error: ProviderError | undefined;
    }
  | { readonly type: 'circuit'; readonly state: CircuitState }
);

type Listener = (event: ProviderEvent) => void;

/** Tells whoever watches the providers, such as the log, what happened to them. */
@Injectable()
export class ProviderEvents {
  private readonly listeners: Listener[] = [];

  /** Hears every event from now on, at once. It must not throw. */
  listen(listener: Listener): void {
    this.listeners.push(listener);
  }

  emit(event: ProviderEvent): void {
    for (const listener of this.listeners) listener(event);
  }
}
