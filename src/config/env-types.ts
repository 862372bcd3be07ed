import Joi from 'joi';
import { parseDuration } from '../common/durations.js';

/** Texts for docs/configuration.md that cannot be derived from the rules of a Joi schema. */
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

/**
 * A URL on this machine, such as that of the sandbox. Only such URLs of providers, of this service and
 * of the receiver of events may use plain http.
 */
export const LOOPBACK_URL = /^https?:\/\/(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?(\/|$)/i;

/** 256 bits, as strong as the keys that are derived from it. */
export const MIN_SECRET_BYTES = 32;

/** Whether only this machine can reach a server that listens on the host. */
export const isLoopbackHost = (host: string): boolean =>
  LOOPBACK_URL.test(`http://${host.includes(':') ? `[${host}]` : host}`);

/** The parsers of the databases' client libraries require this in addition to Joi's `uri`. */
const UNREADABLE_URL = 'must have a port of at most 65535 and percent-encoded names';

const PROXY_URL_FORM = 'must be an http or https URL such as http://proxy.example.com:3128';

const COLLECTOR_URL_FORM = 'must be an http or https URL such as http://otel-collector:4318';

/** The setting's name, and the message that its parser throws. */
const CUSTOM_MESSAGE = { 'any.custom': '{#label} {#error.message}' };

const DURATION_FORM = 'must be a duration such as 250ms, 30s, 5m, 24h or 30d';
type DurationString = `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`;

/** `true` or `false`; by default `false`. */
export const flag = () =>
  Joi.boolean()
    .default(false)
    .messages({ 'boolean.base': '{#label} must be true or false' })
    .meta({ values: '`true`, `false`' } satisfies Partial<SettingDocs>);

/** A duration such as `30s`, parsed to milliseconds. */
export function duration(defaultValue: DurationString, min: DurationString, max: DurationString) {
  const [minMs = 0, maxMs = 0] = [parseDuration(min), parseDuration(max)];
  const values = `${min} to ${max}`;
  return Joi.string<number>()
    .default(parseDuration(defaultValue))
    .custom((text: string) => {
      const ms = parseDuration(text);
      if (ms === undefined) throw new Error(DURATION_FORM);
      if (ms < minMs || ms > maxMs) throw new Error(`must be ${values}`);
      return ms;
    })
    .messages(CUSTOM_MESSAGE)
    .meta({ defaultValue, values } satisfies Partial<SettingDocs>);
}

/**
 * A value that `parse` converts. For an invalid value, `parse` throws an Error that says the rule.
 */
export const parsedBy = <T>(parse: (text: string) => T) =>
  Joi.string<T>().custom(parse).messages(CUSTOM_MESSAGE);

/** One of the given words. */
export const oneOf = <W extends string>(...words: W[]) => Joi.string<W>().valid(...words);

/** A whole number, from 1 to `max`. */
export const positiveInt = (defaultValue: number, max: number) =>
  Joi.number().integer().min(1).max(max).default(defaultValue);

function findUrlError(parse: () => unknown): string | undefined {
  try {
    parse();
    return undefined;
  } catch (error) {
    const { code, path } = error as NodeJS.ErrnoException;
    return path ? `names the file ${path}, which cannot be read (${String(code)})` : UNREADABLE_URL;
  }
}

/**
 * The URL of a database.
 * @param parse the parser of the database's client library; it throws if the URL is invalid
 */
export const databaseUrl = (schemes: string[], parse: (url: string) => unknown) =>
  Joi.string()
    .uri({ scheme: schemes })
    .custom((url: string) => {
      const problem = findUrlError(() => parse(url));
      if (problem !== undefined) throw new Error(problem);
      return url;
    })
    .messages(CUSTOM_MESSAGE)
    // Reports only the first error: further ones of the same URL would not help.
    .prefs({ abortEarly: true });

/** The URL of a provider or of this service, without a trailing slash: paths are appended to it. */
export const baseUrl = () =>
  parsedBy((text) => {
    const url = parseUrl(text);
    if (!url || !(url.protocol === 'https:' || LOOPBACK_URL.test(text))) {
      throw new Error('must be an https URL (http is accepted for a loopback address only)');
    }
    return normalizeBaseUrl(url);
  }).meta({ values: 'https URL; http on a loopback address' } satisfies Partial<SettingDocs>);

/**
 * The URL that receives events. Path and query are kept, because they may identify the receiver.
 */
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

/**
 * The URL of a trace collector, as {@link baseUrl}, but http on any host: traces hold no personal
 * data.
 */
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

/** The URL of a forward proxy. As in curl, a URL without a scheme is http. */
export const proxyUrl = () =>
  parsedBy((text) => {
    const url = parseUrl(text.includes('://') ? text : `http://${text}`);
    if (!url || !/^https?:$/.test(url.protocol)) throw new Error(PROXY_URL_FORM);
    // Without a password, undici would send no credentials at all.
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

/** Secrets, separated by commas; the first one encrypts, the others only decrypt. */
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
