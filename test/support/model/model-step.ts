import type { ProviderName } from '../../../src/common/provider-name.js';
import type { LimitRejection, ModelSettings } from './model-rules.js';
import type { ModelState } from './model-state.js';
import type { OperationRecord, ProviderCall } from './operation.js';
import type { CallFailure } from './provider-results.js';

/** An answer that the model expects. An absent field is not compared. */
export interface ExpectedAnswer {
  readonly status: number;
  readonly body?: Readonly<Record<string, unknown>>;
  /** The whole body, repeated from an earlier answer. */
  readonly repeated?: object;
  readonly replayed?: boolean;
  /** The header `Retry-After`, in seconds. */
  readonly retryAfter?: number;
}

/** How far an operation is. Every phase is one atomic step of the service. */
export interface Progress {
  readonly phase:
    | 'start'
    | 'reserve'
    /** Reads the state of an idempotency key that is already used. */
    | 'repeat'
    /** Takes the key from an earlier request whose answer was lost. */
    | 'take over'
    /** Reads why the service rejected the request. */
    | 'explain'
    | 'explain limit'
    /** Asks the provider for the result of a check whose answer was lost. */
    | 'ask'
    /** The provider reported that a code was right. */
    | 'found'
    | 'call'
    /** The answer is lost: the attempt stays counted. */
    | 'keep attempt'
    /** The code was not checked: the attempt is given back. */
    | 'release attempt'
    | 'finish'
    /** The provider did not accept the code. */
    | 'reject'
    | 'done';
  /** How many of the operation's provider calls its steps have explained so far. */
  readonly calls: number;
  /** Providers that are still to be tried, in this order. */
  readonly providers: readonly ProviderName[];
  /** The verification, once it is known. */
  readonly target?: string | undefined;
  /** The fields of the verification that later steps need, even if it is erased meanwhile. */
  readonly targetCopy?: {
    readonly phoneNumber: string;
    readonly endUser?: string | undefined;
    readonly createdAt?: number;
    /** Present only if an attempt was counted. */
    readonly confirmedResends?: number;
  };
  readonly failures: readonly CallFailure[];
  readonly acceptedBy?: ProviderName;
  /** What the provider answered to the code. */
  readonly checkResult?: string;
  /** The provider of the verification when its attempt was reserved. */
  readonly issuer?: ProviderName | undefined;
  /** The earlier request with the same key, whose answer was lost and which is repeated here. */
  readonly lostRequest?: string;
  /**
   * Why the provider is asked whether a code was right. `before check`: the answer to an earlier
   * check is lost. `check failed` and `exhausted`: this check failed, or found no attempts left.
   * `rejected`: the service rejected the request without a check.
   */
  readonly askReason?: 'before check' | 'check failed' | 'exhausted' | 'rejected';
  /** The answer, unless the code of an earlier check turns out to be right. */
  readonly pending?: ExpectedAnswer;
  /** The shared limit of the number. The answer names it only if no limit of an end user applies. */
  readonly sharedLimit?: LimitRejection | undefined;
  readonly answer?: ExpectedAnswer;
}

export const NOT_STARTED: Progress = { phase: 'start', calls: 0, providers: [], failures: [] };

/** An operation in a group, as the search sees it. */
export interface StepContext {
  readonly record: OperationRecord;
  readonly settings: ModelSettings;
  /** The providers of the service, in order of preference. */
  readonly providers: readonly ProviderName[];
  /** Whether the circuit of a provider's operation may be open. */
  mayCircuitBeOpen(provider: ProviderName, operation: string): boolean;
}

export interface StepResult {
  readonly state: ModelState;
  readonly progress: Progress;
}

export const done = (
  state: ModelState,
  progress: Progress,
  answer: ExpectedAnswer,
): StepResult => ({
  state,
  progress: { ...progress, phase: 'done', answer },
});

export const problem = (status: number, code: string): ExpectedAnswer => ({
  status,
  body: { code },
});

export const NOT_FOUND = problem(404, 'verification_not_found');

export const limitAnswer = (
  { code, until }: { code: string; until: number },
  now: number,
): ExpectedAnswer => ({
  ...problem(429, code),
  retryAfter: Math.max(1, Math.ceil((until - now) / 1_000)),
});

export const failureAnswer = ({ status, code }: CallFailure): ExpectedAnswer =>
  problem(status, code);

/** The next call of an operation to any provider. */
export const getNextCall = (
  { record }: StepContext,
  { calls }: Progress,
): ProviderCall | undefined => record.calls[calls];
