import type { PumpingConfig } from '../config/pumping.config.js';
import {
  type BudgetViolation,
  MAX_VERIFIED_SENDS,
  TRUSTED_NUMBER_MS,
  type TrafficEvaluator,
} from '../storage/limit.types.js';
import type { VerificationRecord } from '../storage/verification-history.js';
import { COUNT_SCOPES, mapScopes, toSubjects } from '../storage/traffic-subjects.js';
import { InMemoryTraffic } from './in-memory-traffic.js';
import { createTrafficEvaluator } from './traffic-evaluator.js';

/** The verifications of one client in one country that one budget would have blocked. */
export interface BlockedCount {
  readonly client: string;
  readonly country: string;
  readonly scope: BudgetViolation['scope'];
  readonly window: BudgetViolation['window'];
  blocked: number;
  /** How many of the blocked verifications had succeeded: those of real users. */
  verified: number;
}

type VerifiedRecord = VerificationRecord & { readonly verified_at: number };

/**
 * Replays recorded verifications against other settings. A blocked verification leaves the counts
 * as they were. Only the first send of a verification has a time, so its resends count at that
 * time. Numbers verified before the first record are not trusted, so more is blocked than in the
 * service.
 */
export class PumpingSimulation {
  /** Number of replayed verifications. */
  total = 0;
  private readonly evaluate: TrafficEvaluator;
  private readonly traffic: InMemoryTraffic;
  private readonly blockedCounts = new Map<string, BlockedCount>();
  /** Replayed records whose time of verification is not reached yet, latest first. */
  private readonly upcomingVerified: VerifiedRecord[] = [];
  /** When each number was last verified, by {@link toTrustKey}. */
  private readonly lastVerifiedAt = new Map<string, number>();

  constructor(config: PumpingConfig, codeTtlMs: number) {
    this.evaluate = createTrafficEvaluator(config);
    this.traffic = new InMemoryTraffic(codeTtlMs);
  }

  /** Replays one verification. Call it for all of them, in the order in which they were created. */
  addRecord(record: VerificationRecord): void {
    this.total += 1;
    this.applyVerifications(record.created_at);
    this.countSends(record, record.sends, 0);
    const violation = this.isTrusted(record) ? undefined : this.evaluate(this.getCounts(record));
    if (violation) {
      this.countSends(record, -record.sends, 0);
      this.recordBlocked(record, violation);
    } else if (record.verified_at !== null) {
      this.scheduleVerification({ ...record, verified_at: record.verified_at });
    }
  }

  /** The most blocked first, then by country. */
  listBlockedCounts(): BlockedCount[] {
    return [...this.blockedCounts.values()].sort(
      (one, other) => other.blocked - one.blocked || one.country.localeCompare(other.country),
    );
  }

  private getCounts(record: VerificationRecord) {
    const subjects = toSubjects(record);
    return mapScopes((scope) => this.traffic.read(subjects[scope], record.created_at));
  }

  private isTrusted(record: VerificationRecord): boolean {
    const verifiedAt = this.lastVerifiedAt.get(toTrustKey(record));
    return verifiedAt !== undefined && verifiedAt > record.created_at - TRUSTED_NUMBER_MS;
  }

  private countSends(record: VerificationRecord, sends: number, verified: number): void {
    const subjects = toSubjects(record);
    for (const scope of COUNT_SCOPES) {
      this.traffic.add(subjects[scope], record.created_at, { sends, verified });
    }
  }

  private scheduleVerification(record: VerifiedRecord): void {
    const later = this.upcomingVerified.findLastIndex(
      (one) => one.verified_at >= record.verified_at,
    );
    this.upcomingVerified.splice(later + 1, 0, record);
  }

  /** Counts sends as verified, and their numbers as trusted, if their code was verified by `now`. */
  private applyVerifications(now: number): void {
    for (let next = this.upcomingVerified.at(-1); next && next.verified_at <= now;) {
      this.upcomingVerified.pop();
      this.countSends(next, 0, Math.min(next.sends, MAX_VERIFIED_SENDS));
      this.lastVerifiedAt.set(toTrustKey(next), next.verified_at);
      next = this.upcomingVerified.at(-1);
    }
  }

  private recordBlocked(record: VerificationRecord, { scope, window }: BudgetViolation): void {
    const { client, country, verified_at } = record;
    const key = `${country} ${scope} ${window} ${client}`;
    const present = this.blockedCounts.get(key);
    const blockedCount = present ?? { client, country, scope, window, blocked: 0, verified: 0 };
    this.blockedCounts.set(key, blockedCount);
    blockedCount.blocked += 1;
    if (verified_at !== null) blockedCount.verified += 1;
  }
}

/** A number is trusted for the client that verified it. */
const toTrustKey = ({ client, number_hash }: VerificationRecord): string =>
  `${number_hash} ${client}`;
