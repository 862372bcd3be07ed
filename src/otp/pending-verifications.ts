import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { seconds } from '../common/durations.js';
import { EventBus } from '../common/events.js';
import { otpConfig, type OtpConfig } from '../config/otp.config.js';
import { Metrics } from '../observability/metrics.js';

/** Codes are counted by the time of their send, in steps of this length in milliseconds. */
const SLOT_MS = seconds(10);

/**
 * Counts the codes that can still be verified, as a gauge. It is derived from events: a query over
 * the verifications would read every send of the last `OTP_TTL` for each scrape.
 *
 * One replica may send a code and another verify it. So only the sum over all replicas is right,
 * and a single value may be negative. A cancelled code counts until it expires, as does one whose send
 * could not be stored. The codes that a replica sent before its restart do not count.
 */
@Injectable()
export class PendingVerifications {
  /** The number of codes by the slot of their send. */
  private readonly slots = new Map<number, number>();

  constructor(
    events: EventBus,
    metrics: Metrics,
    private readonly clock: Clock,
    @Inject(otpConfig.KEY) private readonly config: OtpConfig,
  ) {
    events.subscribe('message_sent', ({ outcome, resend, createdAt }) => {
      if (outcome === 'accepted' && !resend) this.add(createdAt, 1);
    });
    events.subscribe('code_checked', ({ outcome, createdAt }) => {
      if (outcome === 'verified') this.add(createdAt, -1);
    });
    metrics.addGauge(
      'otp_pending_verifications',
      'Codes that were sent, are not verified and have not expired. Only the sum over replicas is right.',
      [],
      () => {
        this.dropExpired();
        const value = [...this.slots.values()].reduce((sum, count) => sum + count, 0);
        return [{ labels: {}, value }];
      },
    );
  }

  private add(createdAt: number, change: number): void {
    const slot = Math.floor(createdAt / SLOT_MS);
    const count = this.slots.get(slot);
    if (count === undefined) this.dropExpired();
    this.slots.set(slot, (count ?? 0) + change);
  }

  private dropExpired(): void {
    const oldest = Math.floor((this.clock.now() - this.config.ttlMs) / SLOT_MS);
    for (const slot of this.slots.keys()) if (slot < oldest) this.slots.delete(slot);
  }
}
