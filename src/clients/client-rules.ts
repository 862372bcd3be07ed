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
  /** ISO 3166 codes; `*`: every country; `001`: numbers of no country. */
  readonly allowedCountries: ReadonlySet<string>;
  /** Number types such as `PAGER`, or `sms:PAGER` for one channel only. */
  readonly blockedTypes: ReadonlySet<string>;
  /** Blocked and trusted prefixes. */
  readonly prefixes: PrefixRules;
}

/**
 * The rules of one client: the settings, or the values with which the client overrides them.
 * Immutable: a request keeps the rules that it began with.
 */
export interface ClientRules {
  readonly destinations: DestinationRules;
  readonly pumping: PumpingConfig;
  readonly otp: OtpConfig;
  readonly limits: LimitsConfig;
  readonly throttle: Pick<ThrottleConfig, 'sendsPerMinute' | 'verifiesPerMinute'>;
  /**
   * The client's own order of preference, in every country; `undefined`: the order in the settings.
   */
  readonly providers: readonly ProviderName[] | undefined;
  /** Templates at Infobip; `undefined` if the client does not use Infobip. */
  readonly templates: MessageTemplates | undefined;
  /**
   * The language of requests without `locale`, as a canonical BCP 47 tag. Empty if the client has
   * none: these requests then get the default template.
   */
  readonly locale: string;
}

/** The values with which a client overrides the settings. */
export interface ClientOverrides {
  /** Values by the name of the setting, as in {@link Environment}. */
  readonly values: Readonly<Record<string, unknown>>;
  /** The client's own default language, which is not a setting; empty if it has none. */
  readonly locale: string;
}

const NO_OVERRIDES: ClientOverrides = { values: {}, locale: '' };

/** Reads the rules of a client from the settings and the values that override them. */
export function readClientRules(
  { values, warnings }: Environment,
  overrides: ClientOverrides = NO_OVERRIDES,
): ClientRules {
  const env = { values: { ...values, ...withoutInheritedTemplates(overrides.values) }, warnings };
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

/**
 * If a client has its own default template, the other languages' templates of the settings do not
 * apply.
 */
const withoutInheritedTemplates = (own: ClientOverrides['values']): ClientOverrides['values'] =>
  'INFOBIP_MESSAGE_ID' in own ? { INFOBIP_MESSAGE_IDS: undefined, ...own } : own;
