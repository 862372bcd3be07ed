import { Inject, Injectable } from '@nestjs/common';
import { ClientDirectory } from '../../clients/client-directory.js';
import type { ClientRules } from '../../clients/client-rules.js';
import { hours, minutes, seconds } from '../../common/durations.js';
import { getClientShare } from '../../config/limits.config.js';
import { otpConfig, type OtpConfig } from '../../config/otp.config.js';
import { formatDuration, formatLimit } from './infobip.limit-syntax.js';

const countIntervals = (ms: number, intervalMs: number): number => Math.ceil(ms / intervalMs);

/** The limits that Infobip has to allow: the most that our own limits allow in `ms` milliseconds. */
@Injectable()
export class InfobipRequiredLimits {
  constructor(
    @Inject(otpConfig.KEY) private readonly otp: OtpConfig,
    private readonly directory: ClientDirectory,
  ) {}

  /** Messages to one number. */
  maxMessagesPerNumber(ms: number): number {
    const byCooldown = this.sum(({ otp }) => 1 + Math.floor(ms / otp.sendCooldownMs));
    return Math.min(byCooldown, this.maxMessagesPerNumberAndDay * countIntervals(ms, hours(24)));
  }

  /** Codes that are checked for one number. */
  maxAttemptsPerNumber(ms: number): number {
    const messages = this.maxMessagesPerNumber(ms);
    // A client's share does not limit the first code of each verification. So every client may reach the
    // whole limit.
    const wrongCodes = this.sum(({ limits }) =>
      Math.min(
        limits.failuresPerNumberPerHour * countIntervals(ms, hours(1)),
        limits.failuresPerNumberPerDay * countIntervals(ms, hours(24)),
      ),
    );
    // Each message allows one right code, in addition to the wrong codes.
    return Math.min(this.otp.maxAttempts * messages, wrongCodes + messages);
  }

  /** Messages of all clients together. */
  maxMessagesTotal(ms: number): number {
    // Without API keys each IP address has a rate limit of its own, so none limits the total.
    const hasRateLimits = this.directory.clients.length > 0;
    return this.sum(({ limits, throttle }) => {
      const byBudget = limits.sendsPerClientPerDay * countIntervals(ms, hours(24));
      if (!hasRateLimits) return byBudget;
      return Math.min(byBudget, throttle.sendsPerMinute * countIntervals(ms, minutes(1)));
    });
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

  /** The most messages to one number in a day: one client uses the whole limit, the others their shares. */
  private get maxMessagesPerNumberAndDay(): number {
    const getShare = ({ limits }: ClientRules) =>
      getClientShare(limits.sendsPerNumberPerDay, limits);
    const beyondShare = this.rules.map(
      (rules) => rules.limits.sendsPerNumberPerDay - getShare(rules),
    );
    return this.sum(getShare) + Math.max(...beyondShare);
  }

  private sum(count: (rules: ClientRules) => number): number {
    return this.rules.reduce((total, rules) => total + count(rules), 0);
  }

  /** The rules of each client. Without API keys all requests are from one client. */
  private get rules(): readonly ClientRules[] {
    const { clients, defaults } = this.directory;
    return clients.length === 0 ? [defaults] : clients.map(({ rules }) => rules);
  }
}
