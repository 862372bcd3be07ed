import Joi from 'joi';
import { parseDuration } from '../common/durations.js';

/** Texts for docs/configuration.md that the rules of a schema do not give. */
export interface SettingDocs {
  readonly description: string;
  /** The allowed values. */
  readonly values?: string;
  /** The default, as it is written in `.env`. */
  readonly defaultValue?: string;
  /** What an absent value means, if `.env` cannot express it. */
  readonly defaultInWords?: string;
  /** The default outside production. */
  readonly developmentDefault?: string;
  readonly example?: string;
  /** A secret, which can also be given as a file: see `readSecretFiles`. */
  readonly isSecret?: true;
}

/** An address on this machine: the only host for plain http, and for the sandbox. */
export const LOOPBACK_URL = /^https?:\/\/(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?(\/|$)/i;

/** 256 bits, as strong as the keys that are derived from it. */
export const MIN_SECRET_BYTES = 32;

/** Whether only this machine can reach a server that listens on the host. */
export const isLoopbackHost = (host: string): boolean =>
  LOOPBACK_URL.test(`http://${host.includes(':') ? `[${host}]` : host}`);

const UNREADABLE_URL =
  'must have a port of at most 65535, percent-encoded names, and files that can be read';

const PROXY_URL_FORM = 'must be an http or https URL such as http://proxy.example.com:3128';

const COLLECTOR_URL_FORM = 'must be an http or https URL such as http://otel-collector:4318';

/** The setting's name, and what its parser throws. */
const CUSTOM_MESSAGE = { 'any.custom': '{#label} {#error.message}' };

const DURATION_FORM = 'must be a duration such as 250ms, 30s, 5m, 24h or 30d';
type DurationString = `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`;

/** `true` or `false`, which is the default. */
export const flag = () =>
  Joi.boolean()
    .default(false)
    .messages({ 'boolean.base': '{#label} must be true or false' })
    .meta({ values: '`true`, `false`' } satisfies Partial<SettingDocs>);

/** A duration such as `30s`, from the least to the most, parsed to milliseconds. */
export function duration(fallback: DurationString, least: DurationString, most: DurationString) {
  const [leastMs = 0, mostMs = 0] = [parseDuration(least), parseDuration(most)];
  const values = `${least} to ${most}`;
  return Joi.string<number>()
    .default(parseDuration(fallback))
    .custom((text: string) => {
      const ms = parseDuration(text);
      if (ms === undefined) throw new Error(DURATION_FORM);
      if (ms < leastMs || ms > mostMs) throw new Error(`must be ${values}`);
      return ms;
    })
    .messages(CUSTOM_MESSAGE)
    .meta({ defaultValue: fallback, values } satisfies Partial<SettingDocs>);
}

/** A value that `parse` converts; it throws an Error with the violated rule. */
export const parsedBy = <T>(parse: (text: string) => T) =>
  Joi.string<T>().custom(parse).messages(CUSTOM_MESSAGE);

/** One of some words. */
export const oneOf = <W extends string>(...words: W[]) => Joi.string<W>().valid(...words);

/** A whole number, from 1. */
export const positiveInt = (fallback: number, most: number) =>
  Joi.number().integer().min(1).max(most).default(fallback);

/**
 * The URL of a database.
 * @param read the parser of the database's client; it throws at an invalid URL
 */
export const databaseUrl = (schemes: string[], read: (url: string) => unknown) =>
  Joi.string()
    .uri({ scheme: schemes })
    .custom((url: string) => {
      try {
        read(url);
        return url;
      } catch {
        throw new Error(UNREADABLE_URL);
      }
    })
    .messages(CUSTOM_MESSAGE)
    // The first error is enough to look at the URL again.
    .prefs({ abortEarly: true });

/** The URL of a provider, normalized and without a trailing slash: paths are appended to it. */
export const baseUrl = () =>
  parsedBy((text) => {
    const url = parseUrl(text);
    if (!url || !(url.protocol === 'https:' || LOOPBACK_URL.test(text))) {
      throw new Error('must be an https URL (http is accepted for a loopback address only)');
    }
    return normalizeBaseUrl(url);
  }).meta({ values: 'https URL; http on a loopback address' } satisfies Partial<SettingDocs>);

/** The URL of a receiver of events. Its path and query may identify the receiver. */
export const webhookUrl = () =>
  parsedBy((text) => {
    const url = parseUrl(text);
    if (!url || !(url.protocol === 'https:' || LOOPBACK_URL.test(text))) {
      throw new Error('must be an https URL (http is accepted for a loopback address only)');
    }
    if (url.username || url.password) throw new Error('must have no user and no password');
    if (url.hash) throw new Error('must have no fragment');
    return url.href;
  });

/** The URL of a trace collector, as {@link baseUrl}. Traces hold no personal data, so http will do. */
export const collectorUrl = () =>
  parsedBy((text) => {
    const url = parseUrl(text);
    if (!url || !/^https?:$/.test(url.protocol)) throw new Error(COLLECTOR_URL_FORM);
    return normalizeBaseUrl(url);
  });

function normalizeBaseUrl(url: URL): string {
  if (url.username || url.password) throw new Error('must have no user and no password');
  if (/[?#]/.test(url.href)) throw new Error('must have no query and no fragment');
  return url.href.replace(/\/+$/, '');
}

/** The URL of a forward proxy. As in curl, one without a scheme is http. */
export const proxyUrl = () =>
  parsedBy((text) => {
    const url = parseUrl(text.includes('://') ? text : `http://${text}`);
    if (!url || !/^https?:$/.test(url.protocol)) throw new Error(PROXY_URL_FORM);
    // undici would send no credentials without a password.
    if (Boolean(url.username) !== Boolean(url.password)) {
      throw new Error('must have both a user and a password, or neither');
    }
    Object.assign(url, { pathname: '', search: '', hash: '' });
    return url.href;
  });

/** `undefined` for an invalid URL, and for a user or password that cannot be decoded. */
function parseUrl(text: string): URL | undefined {
  try {
    const url = new URL(text);
    decodeURIComponent(url.username + url.password);
    return url;
  } catch {
    return undefined;
  }
}

/** Secrets; the first one encrypts. */
export const secrets = () =>
  parsedBy((text): readonly [string, ...string[]] => {
    const [first = '', ...others] = text.split(',').map((secret) => secret.trim());
    if ([first, ...others].some((secret) => Buffer.byteLength(secret) < MIN_SECRET_BYTES)) {
      throw new Error(`must be at least ${String(MIN_SECRET_BYTES)} bytes, each if several`);
    }
    return [first, ...others];
  }).meta({
    values: `secrets of at least ${String(MIN_SECRET_BYTES)} bytes`,
  } satisfies Partial<SettingDocs>);
