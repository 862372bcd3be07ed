/**
 * What a webhook event reports: how a verification ended, or that a message surely did not arrive.
 */
export const WEBHOOK_EVENT_TYPES = [
  'verification.verified',
  'verification.expired',
  'verification.exhausted',
  'verification.cancelled',
  'message.undelivered',
] as const;
export type WebhookEventType = (typeof WEBHOOK_EVENT_TYPES)[number];

/**
 * How a try to send an event ended. After `failed`, it is sent again; after `abandoned`, it is not.
 */
export const WEBHOOK_OUTCOMES = ['sent', 'failed', 'abandoned'] as const;
export type WebhookOutcome = (typeof WEBHOOK_OUTCOMES)[number];
