import { Injectable, Logger, ServiceUnavailableException } from '@nestjs/common';
import {
  HealthCheckService,
  HealthIndicatorService,
  type HealthCheckResult,
} from '@nestjs/terminus';
import { InjectThrottlerStorage, type ThrottlerStorage } from '@nestjs/throttler';
import { seconds } from '../common/durations.js';
import { StorageHealthIndicator } from '../storage/storage.health.js';

/**
 * Reports are cached, because the route is public and each check is a query. `cacheFor` of Terminus
 * is not used: it keeps a result for hours when the wall clock is set back.
 */
const CACHE_MS = seconds(1);

/** Checks whether the storage and the rate-limit counters can be reached. */
@Injectable()
export class ReadinessService {
  private readonly logger = new Logger('Readiness');
  /** Names of the checks that failed in the last report, separated by commas; empty if none did. */
  private lastFailedChecks = '';
  private lastReport: Promise<HealthCheckResult> | undefined;
  /** When the last report is too old, by the monotonic clock in milliseconds. */
  private checkAgainAt = 0;

  constructor(
    private readonly health: HealthCheckService,
    private readonly indicators: HealthIndicatorService,
    private readonly storage: StorageHealthIndicator,
    @InjectThrottlerStorage() private readonly counters: ThrottlerStorage,
  ) {}

  /** Returns the running check, or a report that is at most a second old, or checks again. */
  getReport(): Promise<HealthCheckResult> {
    if (this.lastReport && performance.now() < this.checkAgainAt) return this.lastReport;
    // No second check starts while this one is running.
    this.checkAgainAt = Infinity;
    this.lastReport = this.check().finally(() => {
      this.checkAgainAt = performance.now() + CACHE_MS;
    });
    return this.lastReport;
  }

  private async check(): Promise<HealthCheckResult> {
    const checks = [
      this.toCheck('storage', () => this.storage.check()),
      this.toCheck('counters', () => this.countHit()),
    ];
    const report = await this.health.check(checks).catch((error: unknown) => {
      // terminus throws the report if a check failed.
      if (!(error instanceof ServiceUnavailableException)) throw error;
      return error.getResponse() as HealthCheckResult;
    });
    this.logReadinessChange(Object.keys(report.error ?? {}).join(', '));
    return report;
  }

  private readonly toCheck = (name: string, check: () => Promise<void>) => () =>
    this.indicators.check(name).attempt(check);

  /** Counts a hit of its own, because a Redis that responds may still reject writes. */
  private async countHit(): Promise<void> {
    await this.counters.increment('probe', seconds(10), Infinity, 0, 'probe');
  }

  /** Logs which checks fail, once for each change and not for each probe. */
  private logReadinessChange(failedChecks: string): void {
    if (failedChecks === this.lastFailedChecks) return;
    this.lastFailedChecks = failedChecks;
    if (failedChecks === '') this.logger.warn('Ready again.');
    else this.logger.error(`Not ready: cannot reach ${failedChecks}.`);
  }
}
