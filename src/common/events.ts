import { Injectable } from '@nestjs/common';
import type { Channel } from './channel.js';
import type { ErrorKind } from './domain-error.js';
import type { RequestContext } from './request-context.js';

/** A request has come. It is sure to be answered, or given up, in the end. */
interface RequestBegun {
  readonly type: 'request_begun';
}

/** A request has its answer, or its caller is gone. */
interface RequestAnswered {
  readonly type: 'request_answered';
  readonly context: RequestContext;
  /** `undefined` where it could not be read. */
  readonly method: string | undefined;
  /** As it was made, such as `/otp/:pinId`; `undefined` where there is none. */
  readonly route: string | undefined;
  readonly status: number;
  /** What the answer says was wrong. */
  readonly problem: ErrorKind | undefined;
  /** Who called, once that was known. */
  readonly client: string | undefined;
  readonly durationMs: number;
}

/** How a call failed: a `ProviderError`, for instance. */
interface CallFailure {
  readonly failure: string;
  readonly message: string;
  readonly ambiguous: boolean;
}

/** What providers are asked for. */
export type Operation = 'send' | 'resend' | 'verify';

/** A provider was asked, and the call has ended. */
export interface ProviderCalled {
  readonly type: 'provider_called';
  /** Of the request that needed it; `undefined` where none did. */
  readonly context: RequestContext | undefined;
  readonly provider: string;
  readonly operation: Operation;
  readonly durationMs: number;
  /** `undefined` for a call that went well. */
  readonly error: CallFailure | undefined;
}

/** `half_open`: one call probes whether the provider is back. */
export type CircuitState = 'closed' | 'open' | 'half_open';

/** A provider is spared, probed or used again. */
export interface CircuitChanged {
  readonly type: 'circuit_changed';
  readonly provider: string;
  readonly operation: Operation;
  readonly state: CircuitState;
}

/** Where a verification stands, for one of its moves. */
interface Move {
  readonly context: RequestContext;
  readonly pinId: string;
  readonly client: string;
  /** ISO 3166 code, or `001` for a number that belongs to no country. */
  readonly country: string;
  readonly channel: Channel;
  readonly provider: string;
  /** Of the whole move, in milliseconds: the store's part and the provider's. */
  readonly durationMs: number;
}

/** A text was asked of the providers. After `ambiguous` one may have left all the same. */
export interface TextSent extends Move {
  readonly type: 'text_sent';
  readonly resend: boolean;
  readonly outcome: 'taken' | 'ambiguous' | 'failed';
}

/** A code was brought and, unless `unjudged`, the provider has judged it. */
export interface CodeJudged extends Move {
  readonly type: 'code_judged';
  readonly outcome:
    | 'verified'
    | 'wrong_code'
    | 'expired'
    | 'attempts_exhausted'
    | 'already_verified'
    | 'cancelled'
    | 'reference_mismatch'
    | 'unjudged';
}

/** A code was brought for a verification that accepts none. */
interface CodeRefused {
  readonly type: 'code_refused';
  /** As the caller hears it. */
  readonly reason: string;
}

/** A verification was ended by its caller. */
interface VerificationCancelled {
  readonly type: 'verification_cancelled';
  readonly context: RequestContext;
  readonly pinId: string;
  readonly client: string;
}

/** What the pumping guard thinks of a text; `observed` is one that it would refuse if it were to enforce. */
export interface TextWeighed {
  readonly type: 'text_weighed';
  readonly decision: 'allowed' | 'observed' | 'refused';
  /** Whose budget is exceeded; empty where none is. */
  readonly region: 'prefix' | 'country' | '';
  readonly country: string;
}

/** The records were read or written. */
interface StoreUsed {
  readonly type: 'store_used';
  /** The store's method. */
  readonly operation: string;
  readonly failed: boolean;
  readonly durationMs: number;
}

/** What happened. Carries no number, no code and no credential; words are from closed sets. */
export type ServiceEvent =
  | RequestBegun
  | RequestAnswered
  | ProviderCalled
  | CircuitChanged
  | TextSent
  | CodeJudged
  | CodeRefused
  | VerificationCancelled
  | TextWeighed
  | StoreUsed;

type Listener = (event: ServiceEvent) => void;

/** Tells whoever watches the service, such as the log and the metrics, what happens in it. */
@Injectable()
export class Events {
  private readonly listeners: Listener[] = [];

  /** Hears every event from now on, at once. It must not throw, and should take microseconds. */
  listen(listener: Listener): void {
    this.listeners.push(listener);
  }

  emit(event: ServiceEvent): void {
    for (const listener of this.listeners) listener(event);
  }
}
