import { Inject, Injectable } from '@nestjs/common';
import { hours, minutes, seconds } from '../../common/durations.js';
import { authConfig, type AuthConfig } from '../../config/auth.config.js';
import { getClientShare, limitsConfig, type LimitsConfig } from '../../config/limits.config.js';
import { otpConfig, type OtpConfig } from '../../config/otp.config.js';
import { throttleConfig, type ThrottleConfig } from '../../config/throttle.config.js';
import { formatDuration, formatLimit } from './infobip.limit-syntax.js';

const countIntervals = (ms: number, intervalMs: number): number => Math.ceil(ms / intervalMs);

/** The limits that Infobip has to allow: the most that our own limits allow in `ms` milliseconds. */
@Injectable()
export class InfobipRequiredLimits {
  constructor(
    @Inject(otpConfig.KEY) private readonly otp: OtpConfig,
    @Inject(limitsConfig.KEY) private readonly limits: LimitsConfig,
    @Inject(authConfig.KEY) private readonly auth: AuthConfig,
    @Inject(throttleConfig.KEY) private readonly throttle: ThrottleConfig,
  ) {}

  /** Messages to one number. */
  maxMessagesPerNumber(ms: number): number {
    const byCooldown = this.clients * (1 + Math.floor(ms / this.otp.sendCooldownMs));
    return Math.min(byCooldown, this.maxMessagesPerNumberAndDay * countIntervals(ms, hours(24)));
  }

  /** Codes that are checked for one number. */
  maxAttemptsPerNumber(ms: number): number {
    const { failuresPerNumberPerHour, failuresPerNumberPerDay } = this.limits;
    const messages = this.maxMessagesPerNumber(ms);
    // Each client may reach the whole limit: its share does not bind first codes of verifications.
    const wrong =
      this.clients *
      Math.min(
        failuresPerNumberPerHour * countIntervals(ms, hours(1)),
        failuresPerNumberPerDay * countIntervals(ms, hours(24)),
      );
    // Each message may be verified once, in addition to the wrong codes.
    return Math.min(this.otp.maxAttempts * messages, wrong + messages);
  }

  /** Messages of all clients together. */
  maxMessagesTotal(ms: number): number {
    const byBudget = this.limits.sendsPerClientPerDay * countIntervals(ms, hours(24));
    // Without API keys each IP address has a rate limit of its own.
    if (this.auth.apiKeys.length === 0) return byBudget;
    return (
      this.clients *
      Math.min(byBudget, this.throttle.sendsPerMinute * countIntervals(ms, minutes(1)))
    );
  }

  /** What `infobip:setup` writes: no stricter than our settings, so that our limits apply first. */
  buildConfiguration() {
    return {
      pinAttempts: this.otp.maxAttempts,
      allowMultiplePinVerifications: false,
      pinTimeToLive: formatDuration(this.otp.ttlMs),
      verifyPinLimit: formatLimit(this.maxAttemptsPerNumber(seconds(1)), seconds(1)),
      // Twice ours: Infobip may count a failed send, which we do not.
      sendPinPerApplicationLimit: formatLimit(2 * this.maxMessagesTotal(hours(24)), hours(24)),
      sendPinPerPhoneNumberLimit: formatLimit(2 * this.maxMessagesPerNumberAndDay, hours(24)),
    };
  }

  /** At worst: one client uses the whole limit, and then each other one its share. */
  private get maxMessagesPerNumberAndDay(): number {
    const { sendsPerNumberPerDay: count } = this.limits;
    return count + (this.clients - 1) * getClientShare(count, this.limits);
  }

  /** Without API keys all requests are from one client. */
  private get clients(): number {
    return Math.max(1, new Set(this.auth.apiKeys.map(({ client }) => client)).size);
  }
}
