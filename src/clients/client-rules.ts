import { PrefixRules } from '../common/phone-prefix.js';
import type { ProviderName } from '../common/provider-name.js';
import type { Environment } from '../config/define-config.js';
import { destinationsConfig } from '../config/destinations.config.js';
import { limitsConfig, type LimitsConfig } from '../config/limits.config.js';
import { otpConfig, type OtpConfig } from '../config/otp.config.js';
import { providersConfig, type MessageTemplates } from '../config/providers.config.js';
import { pumpingConfig, type PumpingConfig } from '../config/pumping.config.js';
import { throttleConfig, type ThrottleConfig } from '../config/throttle.config.js';

/** Which numbers a client may send messages to. */
export interface DestinationRules {
  /** ISO 3166 codes, `*` and `001`. */
  readonly allowedCountries: ReadonlySet<string>;
  readonly blockedTypes: ReadonlySet<string>;
  /** The blocked and the trusted ones. */
  readonly prefixes: PrefixRules;
}

/**
 * The rules of one client: the settings, with the client's own values instead where it has any.
 * Immutable; a request keeps the rules that it began with.
 */
export interface ClientRules {
  readonly destinations: DestinationRules;
  readonly pumping: PumpingConfig;
  readonly otp: OtpConfig;
  readonly limits: LimitsConfig;
  readonly throttle: Pick<ThrottleConfig, 'sendsPerMinute' | 'verifiesPerMinute'>;
  /** Its own order of preference, in every country; `undefined` for that of the settings. */
  readonly providers: readonly ProviderName[] | undefined;
  /** Those of Infobip; `undefined` if the client does not use Infobip. */
  readonly templates: MessageTemplates | undefined;
  /** Of messages whose request names none: a canonical BCP 47 tag; empty for the provider's default. */
  readonly locale: string;
}

/** The values that a client has of its own. */
export interface ClientOverrides {
  /** By the name of the setting, as in {@link Environment}. */
  readonly values: Readonly<Record<string, unknown>>;
  readonly locale: string;
}

const NO_OVERRIDES: ClientOverrides = { values: {}, locale: '' };

/** The rules of a client with these values of its own; without any, those of the settings. */
export function readClientRules(
  { values, warnings }: Environment,
  overrides: ClientOverrides = NO_OVERRIDES,
): ClientRules {
  const env = { values: { ...values, ...withoutForeignTemplates(overrides.values) }, warnings };
  const { allowedCountries, blockedTypes, ...prefixes } = destinationsConfig(env);
  const { sendsPerMinute, verifiesPerMinute } = throttleConfig(env);
  const { names, infobip } = providersConfig(env);
  return Object.freeze({
    destinations: Object.freeze({
      allowedCountries: new Set(allowedCountries),
      blockedTypes: new Set<string>(blockedTypes),
      prefixes: new PrefixRules(prefixes.blockedPrefixes, prefixes.trustedPrefixes),
    }),
    pumping: pumpingConfig(env),
    otp: otpConfig(env),
    limits: limitsConfig(env),
    throttle: Object.freeze({ sendsPerMinute, verifiesPerMinute }),
    providers: 'PROVIDERS' in overrides.values ? names : undefined,
    templates: infobip && pickTemplates(infobip),
    locale: overrides.locale,
  });
}

const pickTemplates = ({ templateId, templateIdsByLocale }: MessageTemplates): MessageTemplates =>
  Object.freeze({ templateId, templateIdsByLocale });

/** A client with a template of its own gets none of the service's templates of further languages. */
const withoutForeignTemplates = (own: ClientOverrides['values']): ClientOverrides['values'] =>
  'INFOBIP_MESSAGE_ID' in own ? { INFOBIP_MESSAGE_IDS: undefined, ...own } : own;
