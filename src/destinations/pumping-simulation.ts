import type { PumpingConfig } from '../config/pumping.config.js';
import type { VerificationRecord } from '../storage/verification-history.js';
import {
  TRUSTED_NUMBER_MS,
  type BudgetViolation,
  type TrafficEvaluator,
} from '../storage/traffic.types.js';
import { createTrafficEvaluator } from './traffic-evaluator.js';
import { InMemoryTraffic } from './in-memory-traffic.js';

/** What one budget would have refused in one country. */
export interface BlockedCount {
  readonly country: string;
  readonly region: BudgetViolation['scope'];
  readonly window: BudgetViolation['window'];
  blocked: number;
  /** Of these, the verifications that succeeded: people who would have been turned away. */
  verified: number;
}

/**
 * Lives through recorded verifications with other settings of the guard. What it refuses is not
 * counted on. It knows when a code was sent first and not when it was sent again, so the resends
 * are taken as sent with it. Nor does it know what was verified before the records begin, so there
 * it refuses more than the guard did.
 */
export class PumpingSimulation {
  /** Verifications lived through. */
  total = 0;
  private readonly evaluate: TrafficEvaluator;
  private readonly traffic: InMemoryTraffic;
  private readonly refusals = new Map<string, BlockedCount>();
  /** Still to be verified, the first of them last. */
  private readonly pending: (VerificationRecord & { readonly verified_at: number })[] = [];
  private readonly trustedSince = new Map<string, number>();

  constructor(settings: PumpingConfig, ttlMs: number) {
    this.evaluate = createTrafficEvaluator(settings);
    this.traffic = new InMemoryTraffic(ttlMs);
  }

  /** The next verification, in the order in which they were sent. */
  add(text: VerificationRecord): void {
    this.total += 1;
    this.applyVerifications(text.created_at);
    this.count(text, text.texts, 0);
    const excess = this.isKnown(text) ? undefined : this.evaluate(this.trafficOf(text));
    if (excess) {
      this.count(text, -text.texts, 0);
      this.recordBlocked(text, excess);
    } else if (text.verified_at !== null) {
      this.scheduleVerification({ ...text, verified_at: text.verified_at });
    }
  }

  /** By country, the most refusals first. */
  report(): BlockedCount[] {
    return [...this.refusals.values()].sort(
      (one, other) => other.blocked - one.blocked || one.country.localeCompare(other.country),
    );
  }

  private trafficOf({ prefix_hash, country, created_at }: VerificationRecord) {
    return {
      prefix: this.traffic.read(`prefix:${prefix_hash}`, created_at),
      country: this.traffic.read(`country:${country}`, created_at),
    };
  }

  private isKnown({ number_hash, created_at }: VerificationRecord): boolean {
    const since = this.trustedSince.get(number_hash);
    return since !== undefined && since > created_at - TRUSTED_NUMBER_MS;
  }

  private count(text: VerificationRecord, texts: number, verified: number): void {
    const { prefix_hash, country, created_at } = text;
    this.traffic.add(`prefix:${prefix_hash}`, created_at, { sends: texts, verified });
    this.traffic.add(`country:${country}`, created_at, { sends: texts, verified });
  }

  private scheduleVerification(text: VerificationRecord & { readonly verified_at: number }): void {
    let at = this.pending.length;
    while (at > 0 && (this.pending[at - 1]?.verified_at ?? 0) < text.verified_at) at -= 1;
    this.pending.splice(at, 0, text);
  }

  private applyVerifications(now: number): void {
    for (let next = this.pending.at(-1); next && next.verified_at <= now;) {
      this.pending.pop();
      this.count(next, 0, next.texts);
      this.trustedSince.set(next.number_hash, next.verified_at);
      next = this.pending.at(-1);
    }
  }

  private recordBlocked(
    { country, verified_at }: VerificationRecord,
    { scope, window }: BudgetViolation,
  ): void {
    const key = `${country} ${scope} ${window}`;
    const refusals = this.refusals.get(key) ?? {
      country,
      region: scope,
      window,
      blocked: 0,
      verified: 0,
    };
    this.refusals.set(key, refusals);
    refusals.blocked += 1;
    if (verified_at !== null) refusals.verified += 1;
  }
}
