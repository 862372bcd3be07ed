import type { ProviderName } from '../../../src/common/provider-name.js';
import type { ModelChannel } from './operation.js';

/** An event in a sliding window. */
export interface WindowEvent {
  readonly at: number;
  /** The operation that counted it. */
  readonly by: string;
}

/** What counts for one client and one phone number. */
export interface NumberRecord {
  readonly sends: readonly WindowEvent[];
  readonly failures: readonly WindowEvent[];
  /** When the client last verified the number; 0 if never, or not since the client erased it. */
  readonly verifiedAt: number;
}

export interface VerificationRecord {
  /** The operation that created it. */
  readonly id: string;
  readonly client: string;
  readonly phoneNumber: string;
  /** `unclaimed`: a code was right, but no request got `verified: true`. */
  readonly status:
    'sending' | 'pending' | 'verified' | 'unclaimed' | 'expired' | 'failed' | 'cancelled';
  readonly channel: ModelChannel;
  readonly reference: string | undefined;
  /** Resends that replaced the code. */
  readonly confirmedResends: number;
  /** When the newest confirmed message with the code was requested. */
  readonly codeRequestedAt: number;
  readonly endUser: string | undefined;
  /** Sends of its code. */
  readonly messages: number;
  readonly attempts: number;
  /** Checks without a result: running ones, and those whose answers were lost. */
  readonly unresolved: number;
  /** From this time on, the answer to an unresolved check is assumed to be lost. */
  readonly lostAt: number;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly verifiedAt: number | undefined;
  /** `undefined` until a provider has accepted the send. */
  readonly provider: ProviderName | undefined;
}

export interface KeyRecord {
  readonly request: string;
  /** `erased`: together with its number. No request can use the key until it expires. */
  readonly state: 'running' | 'answered' | 'ambiguous' | 'erased';
  readonly answer: object | undefined;
  readonly createdAt: number;
  /** The operation that owns the key: only that one may store an answer or release the key. */
  readonly owner: string;
  /** The verification that the request is about. */
  readonly verification: string | undefined;
}

const NO_EVENTS: NumberRecord = { sends: [], failures: [], verifiedAt: 0 };

/** A changed value. Equal changes of states over the same base have the same number. */
interface Change {
  readonly value: unknown;
  readonly number: number;
}

/**
 * Everything that the service stores, as the model sees it. Immutable: a change returns a new state
 * over the same base, so that many orders of concurrent steps can be tried.
 */
export class ModelState {
  constructor(
    private readonly base = new Map<string, unknown>(),
    private readonly changes: ReadonlyMap<string, Change> = new Map(),
    /** All changes over this base, by key and value. */
    private readonly knownChanges = new Map<string, Change>(),
  ) {}

  /** Equal for equal states over the same base. */
  get fingerprint(): string {
    return Uint32Array.from(this.changes.values(), ({ number }) => number)
      .sort()
      .join();
  }

  /**
   * Forgets which operation counted an event or owns a key: no operation is running that could
   * still release them. States that differ only in this become equal.
   */
  forgetOperations(): ModelState {
    const changes = new Map<string, Change>();
    for (const [key, { value }] of this.changes) {
      changes.set(key, this.toChange(key, forgetOperation(value)));
    }
    return new ModelState(this.base, changes, this.knownChanges);
  }

  /** Writes the changes into the base. No other state over this base may be used afterwards. */
  commit(): ModelState {
    for (const [key, { value }] of this.changes) {
      if (value === null) this.base.delete(key);
      else this.base.set(key, value);
    }
    return new ModelState(this.base);
  }

  getVerification(id: string | undefined): VerificationRecord | undefined {
    return this.get(`verification ${id}`) as VerificationRecord | undefined;
  }

  setVerification(verification: VerificationRecord): ModelState {
    const { id, client, phoneNumber } = verification;
    const ids = this.listIds(client, phoneNumber);
    const state = this.set(`verification ${id}`, verification);
    return ids.includes(id) ? state : state.set(`ids ${client} ${phoneNumber}`, [...ids, id]);
  }

  changeVerification(id: string, change: Partial<VerificationRecord>): ModelState {
    const verification = this.getVerification(id);
    return verification ? this.setVerification({ ...verification, ...change }) : this;
  }

  deleteVerification(id: string): ModelState {
    const verification = this.getVerification(id);
    if (!verification) return this;
    const { client, phoneNumber } = verification;
    const ids = this.listIds(client, phoneNumber).filter((other) => other !== id);
    return this.set(`verification ${id}`, null).set(`ids ${client} ${phoneNumber}`, ids);
  }

  /** A client's verifications of a number, oldest first. */
  listVerifications(client: string, phoneNumber: string): VerificationRecord[] {
    return this.listIds(client, phoneNumber).flatMap((id) => this.getVerification(id) ?? []);
  }

  getNumber(client: string, phoneNumber: string): NumberRecord {
    return (this.get(`number ${client} ${phoneNumber}`) as NumberRecord | undefined) ?? NO_EVENTS;
  }

  changeNumber(client: string, phoneNumber: string, change: Partial<NumberRecord>): ModelState {
    const number = { ...this.getNumber(client, phoneNumber), ...change };
    return this.set(`number ${client} ${phoneNumber}`, number);
  }

  getEndUser(endUser: string): readonly WindowEvent[] {
    return (this.get(`end user ${endUser}`) as readonly WindowEvent[] | undefined) ?? [];
  }

  setEndUser(endUser: string, sends: readonly WindowEvent[]): ModelState {
    return this.set(`end user ${endUser}`, sends);
  }

  getKey(client: string, key: string): KeyRecord | undefined {
    return this.get(`key ${client} ${key}`) as KeyRecord | undefined;
  }

  setKey(client: string, key: string, record: KeyRecord | undefined): ModelState {
    const keys = this.listKeys(client);
    const state = this.set(`key ${client} ${key}`, record ?? null);
    return keys.includes(key) ? state : state.set(`keys ${client}`, [...keys, key]);
  }

  listKeys(client: string): readonly string[] {
    return (this.get(`keys ${client}`) as readonly string[] | undefined) ?? [];
  }

  private listIds(client: string, phoneNumber: string): readonly string[] {
    return (this.get(`ids ${client} ${phoneNumber}`) as readonly string[] | undefined) ?? [];
  }

  private get(key: string): unknown {
    const change = this.changes.get(key);
    return (change ? change.value : this.base.get(key)) ?? undefined;
  }

  private set(key: string, value: unknown): ModelState {
    const changes = new Map(this.changes).set(key, this.toChange(key, value));
    return new ModelState(this.base, changes, this.knownChanges);
  }

  private toChange(key: string, value: unknown): Change {
    const text = `${key} ${JSON.stringify(value)}`;
    const known = this.knownChanges.get(text);
    if (known) return known;
    const change = { value, number: this.knownChanges.size };
    this.knownChanges.set(text, change);
    return change;
  }
}

const withoutOperation = (events: readonly WindowEvent[]): WindowEvent[] =>
  events.map(({ at }) => ({ at, by: '' }));

function forgetOperation(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if ('sends' in value && 'failures' in value) {
    const { sends, failures, verifiedAt } = value as NumberRecord;
    return { verifiedAt, sends: withoutOperation(sends), failures: withoutOperation(failures) };
  }
  if ('owner' in value) return { ...value, owner: '' };
  const isEvents = Array.isArray(value) && value.every((item) => typeof item === 'object');
  return isEvents ? withoutOperation(value as WindowEvent[]) : value;
}

/** Adds an event in front. Keeps 40 older ones, which is more than any limit of the test counts. */
export const addEvent = (events: readonly WindowEvent[], at: number, by: string): WindowEvent[] => [
  { at, by },
  ...events.slice(0, 40),
];

export const removeEvent = (events: readonly WindowEvent[], by: string): WindowEvent[] =>
  events.filter((event) => event.by !== by);
