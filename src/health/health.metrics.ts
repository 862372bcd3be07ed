import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import type { HealthCheckResult } from '@nestjs/terminus';
import { seconds } from '../common/durations.js';
import { throttleConfig, type ThrottleConfig } from '../config/throttle.config.js';
import { Metrics } from '../observability/metrics.js';
import { CleanupService } from '../storage/cleanup.service.js';
import { StorageHealthIndicator } from '../storage/storage.health.js';
import { ReadinessService } from './readiness.service.js';

/**
 * How long a scrape waits for a check, in milliseconds. A database that does not answer must not
 * make Prometheus miss the metrics of its outage.
 */
const MAX_WAIT_MS = seconds(1);

/** Gauges of the storage and the rate-limit counters. A scrape runs the readiness checks. */
@Injectable()
export class HealthMetrics {
  /** The last result of each check, by its name. */
  private checks: HealthCheckResult['details'] = {};

  constructor(
    private readonly readiness: ReadinessService,
    metrics: Metrics,
    storage: StorageHealthIndicator,
    cleanup: CleanupService,
    @Inject(throttleConfig.KEY) { redisUrl }: ThrottleConfig,
  ) {
    metrics.addGauge(
      'otp_ready',
      '1 if this check of /health/ready succeeds, else 0.',
      ['check'],
      async () => {
        await this.runChecks();
        return Object.keys(this.checks).map((check) => ({
          labels: { check },
          value: this.getGaugeValue(check),
        }));
      },
    );
    metrics.addGauge(
      'otp_database_connections',
      'Connections to PostgreSQL by state; waiting: requests that wait for one.',
      ['state'],
      () =>
        Object.entries(storage.getConnections() ?? {}).map(([state, value]) => ({
          labels: { state },
          value,
        })),
    );
    metrics.addGauge(
      'otp_cleanup_last_success_timestamp_seconds',
      'Unix time at which a cleanup of this replica last ended without an error; 0 before the first.',
      [],
      () => [{ labels: {}, value: cleanup.lastSuccessTime / seconds(1) }],
    );
    if (redisUrl === undefined) return;
    metrics.addGauge('otp_redis_up', '1 if Redis can count requests, else 0.', [], async () => {
      await this.runChecks();
      return [{ labels: {}, value: this.getGaugeValue('counters') }];
    });
  }

  private getGaugeValue(check: string): number {
    return this.checks[check]?.status === 'up' ? 1 : 0;
  }

  /** Updates `checks`. If that takes longer than MAX_WAIT_MS, the earlier results are kept. */
  private async runChecks(): Promise<void> {
    const done = this.readiness.getReport().then(({ details }) => {
      this.checks = details;
    });
    await Promise.race([done, delay(MAX_WAIT_MS, undefined, { ref: false })]);
  }
}
