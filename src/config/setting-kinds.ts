import Joi from 'joi';
import { parseDuration } from '../common/durations.js';
import { LOOPBACK_URL } from './provider-accounts.js';

/** Settings that belong together. What each means is in its schema; docs/configuration.md lists them. */
export interface SettingGroup {
  readonly title: string;
  /** What to know about all of them. */
  readonly about?: string;
  readonly settings: Readonly<Record<string, Joi.Schema>>;
}

/** What a schema cannot say of a setting by its rules, for whoever reads about it. */
export interface SettingMeta {
  /** What it may be. */
  readonly values?: string;
  /** What holds without it, as one would write it. */
  readonly fallback?: string;
  /** What holds without it, where nothing can be written that means the same. */
  readonly unset?: string;
  /** What holds instead outside production: a convenience of development. */
  readonly development?: string;
}

/** Notes what the rules of a schema do not say. */
export const meta = (said: SettingMeta): SettingMeta => said;

/** 256 bits: the strength of the keys that are derived from it. */
const LEAST_SECRET_BYTES = 32;

/** What a reader throws is the fault, after the setting's name. */
const TELLING = { 'any.custom': '{#label} {#error.message}' };

/** A span of time, as one writes it. */
type Span = `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`;

/** A span of time such as `30s`, between two others, read as milliseconds. */
export function duration(fallback: Span, [least, most]: readonly [Span, Span]) {
  const [leastMs = 0, mostMs = 0] = [parseDuration(least), parseDuration(most)];
  const values = `${least} to ${most}`;
  return Joi.string()
    .default(parseDuration(fallback))
    .custom((text: string) => {
      const ms = parseDuration(text);
      if (ms === undefined)
        throw new Error('must be a duration such as 250ms, 30s, 5m, 24h or 30d');
      if (ms < leastMs || ms > mostMs) throw new Error(`must be ${values}`);
      return ms;
    })
    .messages(TELLING)
    .meta(meta({ fallback, values }));
}

/** A list with entries of one kind, read as a whole. */
export const list = (read: (text: string) => unknown) =>
  Joi.string().custom(read).messages(TELLING);

/** How many; at least one. */
export const count = (fallback: number, most: number) =>
  Joi.number().integer().min(1).max(most).default(fallback);

/**
 * Where a database listens.
 * @param read what the database's client reads a URL by; it throws at one that it cannot read
 */
export const databaseUrl = (schemes: string[], read: (url: string) => unknown) =>
  Joi.string()
    .uri({ scheme: schemes })
    .custom((url: string) => {
      try {
        read(url);
      } catch {
        throw new Error(
          'must have a port of at most 65535, percent-encoded names, and files that can be read',
        );
      }
      return url;
    })
    .messages(TELLING)
    // One fault is enough for one to look at it again.
    .prefs({ abortEarly: true });

/** Where a provider listens, without a trailing slash. */
export const baseUrl = () =>
  Joi.string()
    .uri({ scheme: ['https', 'http'] })
    .custom((url: string) => {
      if (!url.startsWith('https:') && !LOOPBACK_URL.test(url)) {
        throw new Error('must be an https URL (http is taken for a loopback address only)');
      }
      return url.replace(/\/+$/, '');
    })
    .messages(TELLING)
    .meta(meta({ values: 'https URL; http on a loopback address' }));

/** Secrets, the one to write with first. */
export const secrets = () =>
  list((text) => {
    const each = text.split(',').map((secret) => secret.trim());
    if (each.some((secret) => Buffer.byteLength(secret) < LEAST_SECRET_BYTES)) {
      throw new Error(`must be at least ${String(LEAST_SECRET_BYTES)} bytes, each if several`);
    }
    return each;
  }).meta(meta({ values: `at least ${String(LEAST_SECRET_BYTES)} bytes each` }));
