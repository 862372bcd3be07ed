import { hours, minutes } from '../../common/durations.js';
import type { AppConfig } from '../../config/app-config.js';

const intervals = (ms: number, intervalMs: number): number => Math.ceil(ms / intervalMs);

/** The most texts that our own limits let one number have within `ms`. */
export function textsOfOneNumber(ms: number, { otp, perNumber }: AppConfig): number {
  const byCooldown = 1 + Math.floor(ms / otp.sendCooldownMs);
  return Math.min(byCooldown, perNumber.sendsPerDay * intervals(ms, hours(24)));
}

/** The most codes that our own limits let be tried on one number within `ms`. */
export function attemptsOnOneNumber(ms: number, config: AppConfig): number {
  const { otp, perNumber } = config;
  const texts = textsOfOneNumber(ms, config);
  const wrong = Math.min(
    perNumber.failuresPerHour * intervals(ms, hours(1)),
    perNumber.failuresPerDay * intervals(ms, hours(24)),
  );
  // Each text may be verified once, whatever became of the wrong codes.
  return Math.min(otp.maxAttempts * texts, wrong + texts);
}

/** The most texts that our own limits let all clients together cause within `ms`. */
export function textsOfAllClients(ms: number, { apiKeys, perClient, throttle }: AppConfig): number {
  const byBudget = perClient.sendsPerDay * intervals(ms, hours(24));
  // Where no key is asked for, all are one client, and each address has a throttle of its own.
  if (apiKeys.length === 0) return byBudget;
  const clients = new Set(apiKeys.map(({ client }) => client)).size;
  return clients * Math.min(byBudget, throttle.sendsPerMinute * intervals(ms, minutes(1)));
}
