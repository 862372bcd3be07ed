import type { NumberType } from '../common/phone-number.js';
import type { TestNumber } from '../common/test-number.js';
import type { ApiKey } from './list-settings.js';
import type { ProviderName } from '../common/provider-name.js';

export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';

export interface InfobipAccount {
  /** Without a trailing slash. */
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly applicationId: string;
  readonly messageId: string;
}

export interface SinchAccount {
  /** Without a trailing slash. */
  readonly baseUrl: string;
  readonly applicationKey: string;
  /** In base64, as the vendor shows it. */
  readonly applicationSecret: string;
}

export interface Sandbox {
  readonly url: string;
  /** Where to start it beside the service; `undefined` if one runs already. */
  readonly startOnPort: number | undefined;
}

export interface PumpingSettings {
  /** `observe` logs what it would refuse; `off` does not even look. */
  readonly mode: 'enforce' | 'observe' | 'off';
  /** Unverified texts that a country or a prefix may always have in an hour. */
  readonly floorPerHour: number;
  /** The same in a day. */
  readonly floorPerDay: number;
  /** Beyond the floor: unverified texts for each one that is verified. */
  readonly unverifiedRatio: number;
}

/** Every setting, validated, typed and frozen. The class is its own injection token. */
export abstract class AppConfig {
  /** `production` refuses every convenience of development. */
  abstract readonly production: boolean;
  abstract readonly logLevel: LogLevel;
  abstract readonly http: {
    /** Where the service listens. */
    readonly host: string;
    readonly port: number;
    /** Where the metrics are served; without it, on `port`. */
    readonly metricsPort: number | undefined;
    /** Whose `X-Forwarded-For` is believed: so many proxies, or those of these networks. */
    readonly trustProxy: number | readonly string[] | undefined;
    /** Origins whose pages may call. */
    readonly corsOrigins: readonly string[];
  };
  /** Who may call; none means everybody, which production refuses. */
  abstract readonly apiKeys: readonly ApiKey[];
  abstract readonly destinations: {
    /** ISO 3166 codes; `undefined` is every country. */
    readonly allowedCountries: readonly string[] | undefined;
    readonly blockedTypes: readonly NumberType[];
    readonly testNumbers: readonly TestNumber[];
  };
  /** How long a terminated service goes on taking requests before it stops, in milliseconds. */
  abstract readonly shutdownDelayMs: number;
  abstract readonly otp: {
    /** How long a code can be verified, in milliseconds. */
    readonly ttlMs: number;
    /** How many codes may be tried on one verification. */
    readonly maxAttempts: number;
    /** Least time between two texts to one number, in milliseconds. */
    readonly sendCooldownMs: number;
  };
  /** Budgets of one phone number, over all its verifications and all clients together. */
  abstract readonly perNumber: {
    /** Texts in any 24 hours. */
    readonly sendsPerDay: number;
    /** Wrong codes in any hour. */
    readonly failuresPerHour: number;
    /** Wrong codes in any 24 hours. */
    readonly failuresPerDay: number;
  };
  abstract readonly perClient: {
    /** Texts in any 24 hours. */
    readonly sendsPerDay: number;
  };
  abstract readonly perEndUser: {
    /** Texts in any hour for users behind one address. */
    readonly sendsPerHour: number;
  };
  abstract readonly pumping: PumpingSettings;
  abstract readonly storage: {
    /** `postgres://…` for a fleet; without it, a SQLite file in `dataDir`. */
    readonly databaseUrl: string | undefined;
    readonly dataDir: string;
    /** How long a finished verification is kept, in milliseconds. */
    readonly retentionMs: number;
  };
  /** Where the counters of requests are; without it, in this process. */
  abstract readonly redisUrl: string | undefined;
  /** Master secrets: the first writes, the others can still be read with. */
  abstract readonly secrets: readonly [string, ...string[]];
  abstract readonly throttle: {
    /** Sends a minute for one tracker. */
    readonly sendsPerMinute: number;
    /** Verifies a minute for one tracker. */
    readonly verifiesPerMinute: number;
  };
  /** One provider call, from connect to last byte, in milliseconds. */
  abstract readonly providerTimeoutMs: number;
  /** One send or resend, over all providers that are asked for it, in milliseconds. */
  abstract readonly sendDeadlineMs: number;
  /** Calls of one kind (sends, resends, verifies) that may wait for one provider at the same time. */
  abstract readonly providerMaxInFlight: number;
  /** Who is asked for codes, in order of preference; each once. */
  abstract readonly providers: readonly [ProviderName, ...ProviderName[]];
  /** `undefined` where `providers` does not name it, as with the next. */
  abstract readonly infobip: InfobipAccount | undefined;
  abstract readonly sinch: SinchAccount | undefined;
  /** The look-alike of the providers in use; never in production. */
  abstract readonly sandbox: Sandbox | undefined;
}

/**
 * The account at a provider that the settings name.
 * @throws Error for one that they do not name: it should not have been asked for.
 */
export function accountAt<P extends ProviderName>(
  provider: P,
  config: AppConfig,
): NonNullable<AppConfig[P]> {
  const account = config[provider];
  if (account === undefined) throw new Error(`PROVIDERS does not name ${provider}.`);
  return account;
}
