import type { ConfigType } from '@nestjs/config';
import Joi from 'joi';
import { seconds } from '../common/durations.js';
import { PROVIDER_NAMES, type ProviderName } from '../common/provider-name.js';
import {
  defineConfig,
  optional,
  readSettings,
  setting,
  type Environment,
  type SettingValues,
} from './define-config.js';
import {
  baseUrl,
  duration,
  LOOPBACK_URL,
  oneOf,
  parsedBy,
  positiveInt,
  type SettingDocs,
} from './env-types.js';
import {
  parseApplicationKeys,
  parseApplicationSecrets,
  parseMessageIds,
  parseProviders,
} from './list-parsers.js';
import { NO_ROUTES, parseProvidersByCountry } from './providers-by-country.js';
import { serviceConfig } from './service.config.js';

/** All customers of Sinch share one host. */
const SINCH_URL = 'https://verification.api.sinch.com';

/** A setting of a provider's account, for which the sandbox has a value. */
const account = <T>(
  name: string,
  description: string,
  schema: Joi.Schema<T>,
  docs: Partial<SettingDocs> = {},
) => optional(name, schema, { description, developmentDefault: 'the sandbox’s', ...docs });

const SETTINGS = {
  /** The providers in order of preference; each once. */
  names: setting('PROVIDERS', parsedBy(parseProviders).default(['infobip']), {
    description: 'providers in order of preference; later ones are fallbacks',
    values: PROVIDER_NAMES.map((name) => `\`${name}\``).join(', '),
    example: 'infobip,sinch',
  }),
  routes: optional('PROVIDER_ROUTES', parsedBy(parseProvidersByCountry), {
    description:
      'providers for the numbers of a country, in order of preference; other countries have those in `PROVIDERS`',
    values: '`country:provider+provider`, …',
    defaultInWords: '`PROVIDERS` for every country',
    example: 'IN:sinch+infobip,US:infobip',
  }),
  /** The longest duration of one operation at one provider, including a retry of the connection. */
  timeoutMs: setting('PROVIDER_TIMEOUT', duration('5s', '1ms', '60s'), {
    description:
      'timeout of each provider for one send, resend or verify, from connect to last byte',
  }),
  maxInFlight: setting('PROVIDER_MAX_IN_FLIGHT', positiveInt(200, 100_000), {
    description:
      'concurrent calls of one operation at one provider, in each replica; sends and resends are counted for each channel; of several clients, each has at most half',
  }),
  infobipUrl: account('INFOBIP_BASE_URL', 'base URL of your account', baseUrl(), {
    example: 'https://account.api.infobip.com',
  }),
  infobipApiKey: account('INFOBIP_API_KEY', 'API key with the scope `2fa:pin:send`', Joi.string(), {
    isSecret: true,
  }),
  infobipApplicationId: account('INFOBIP_APP_ID', 'ID of your 2FA application', Joi.string()),
  infobipTemplateId: account(
    'INFOBIP_MESSAGE_ID',
    'ID of the message template in your 2FA application',
    Joi.string(),
  ),
  infobipTemplateIds: optional('INFOBIP_MESSAGE_IDS', parsedBy(parseMessageIds), {
    description:
      'message templates of further languages, for sends with a `locale`; any other language gets `INFOBIP_MESSAGE_ID`',
    values: '`language:ID`, …',
    defaultInWords: 'no further languages',
    developmentDefault: 'the sandbox’s',
    example: 'de:ID,pt-BR:ID',
  }),
  sinchUrl: account('SINCH_BASE_URL', 'URL of the Verification API', baseUrl(), {
    defaultValue: SINCH_URL,
  }),
  sinchKeys: account(
    'SINCH_APPLICATION_KEY',
    'key of your Verification application; of two, the first one sends',
    parsedBy(parseApplicationKeys),
    { values: 'key; two during a rotation', isSecret: true },
  ),
  sinchSecrets: account(
    'SINCH_APPLICATION_SECRET',
    'secret of your Verification application, as the dashboard shows it; of two, the first one sends',
    parsedBy(parseApplicationSecrets),
    { values: 'base64; two during a rotation', isSecret: true },
  ),
  sandboxHost: setting('SANDBOX_HOST', oneOf('127.0.0.1', '0.0.0.0').default('127.0.0.1'), {
    description: 'address the sandbox listens on, outside production; a container needs `0.0.0.0`',
  }),
  sandboxPort: setting('SANDBOX_PORT', Joi.number().port().min(1).default(3999), {
    description: 'port of the sandbox, outside production',
  }),
};
type ProviderSettings = SettingValues<typeof SETTINGS>;

/** The settings that each provider requires. */
const CREDENTIALS = {
  infobip: ['infobipUrl', 'infobipApiKey', 'infobipApplicationId', 'infobipTemplateId'],
  sinch: ['sinchKeys', 'sinchSecrets'],
} as const satisfies Record<ProviderName, readonly (keyof ProviderSettings)[]>;

export const providersConfig = defineConfig('providers', 'Providers', SETTINGS, (values, env) => {
  const { names, routes = NO_ROUTES, timeoutMs, maxInFlight } = values;
  const sandbox = usesSandbox(values, env) ? getSandboxConfig(values) : undefined;
  return {
    names,
    /** Providers by country, in order of preference; only those in `names`. */
    routes,
    timeoutMs,
    /**
     * The longest time that a request may run, in milliseconds: calls to every provider, one more
     * call and a margin. If a request is unfinished after that, a crash has ended it.
     */
    maxRequestMs: timeoutMs * (names.length + 1) + seconds(5),
    maxInFlight,
    /** Each provider's account; `undefined` if `names` does not list the provider. */
    infobip: names.includes('infobip') ? getInfobipAccount(values, sandbox?.url) : undefined,
    sinch: names.includes('sinch') ? getSinchAccount(values, sandbox?.url) : undefined,
    /** Emulates the providers in `names`; `undefined` if they are real, as always in production. */
    sandbox,
  };
});
export type ProvidersConfig = ConfigType<typeof providersConfig>;

/**
 * The account at a provider.
 * @throws Error if `PROVIDERS` does not name it: a programming error.
 */
export function getProviderAccount<P extends ProviderName>(
  provider: P,
  config: ProvidersConfig,
): NonNullable<ProvidersConfig[P]> {
  const account = config[provider];
  if (account === undefined) throw new Error(`PROVIDERS does not name ${provider}.`);
  return account;
}

/**
 * An error for each required setting or secret that is absent. Without the sandbox, each provider needs its credentials:
 * if one provider were simulated, a failover could send a message to the sandbox, not to the phone.
 */
export function findMissingCredentials(env: Environment): string[] {
  const values = readSettings(SETTINGS, env);
  const isSandboxed = usesSandbox(values, env);
  const missing = values.names
    .flatMap((provider): readonly (keyof ProviderSettings)[] => {
      // Sinch's key is useless without its secret, and the reverse.
      const isNeeded = !isSandboxed || (provider === 'sinch' && hasSinchCredentials(values));
      return isNeeded ? CREDENTIALS[provider] : [];
    })
    .filter((property) => values[property] === undefined)
    .map((property) => `${SETTINGS[property].name} is required`);
  return [...missing, ...findKeysWithoutSecret(values)];
}

/** Two secrets may share a key, but a second key needs its own secret. */
function findKeysWithoutSecret({ sinchKeys: keys, sinchSecrets: secrets }: ProviderSettings) {
  // A value that is not a list is invalid, and has its own error.
  if (!Array.isArray(keys) || !Array.isArray(secrets) || keys.length <= secrets.length) return [];
  return ['SINCH_APPLICATION_SECRET must have a secret for each key in SINCH_APPLICATION_KEY'];
}

const NO_TEMPLATES: ReadonlyMap<string, string> = new Map();

const SANDBOX_TEMPLATES: ReadonlyMap<string, string> = new Map(
  ['de', 'es', 'fr'].map((locale) => [locale, `sandbox-message-${locale}`]),
);

/** The message templates of an application at Infobip. */
export type MessageTemplates = Pick<
  ReturnType<typeof getInfobipAccount>,
  'templateId' | 'templateIdsByLocale'
>;

const getInfobipAccount = (values: ProviderSettings, sandboxUrl = '') => ({
  /** Without a trailing slash. */
  baseUrl: values.infobipUrl ?? sandboxUrl,
  apiKey: values.infobipApiKey ?? 'sandbox-key',
  applicationId: values.infobipApplicationId ?? 'sandbox-application',
  /** The template of the default language. */
  templateId: values.infobipTemplateId ?? 'sandbox-message',
  /** The templates of further languages, by canonical BCP 47 tag. */
  templateIdsByLocale:
    values.infobipTemplateIds ??
    (values.infobipTemplateId === undefined ? SANDBOX_TEMPLATES : NO_TEMPLATES),
});

/** The credentials of an application at Sinch. */
export interface SinchApplication {
  readonly applicationKey: string;
  /** In base64, as the dashboard shows it. */
  readonly applicationSecret: string;
}

const SANDBOX_KEYS = ['5a4db0c5-0000-4000-8000-000000000000'] as const;
const SANDBOX_SECRETS = ['c2FuZGJveC1zZWNyZXQ='] as const;

/** `baseUrl` has no trailing slash. */
function getSinchAccount(values: ProviderSettings, sandboxUrl = SINCH_URL) {
  const [key, otherKey = key] = values.sinchKeys ?? SANDBOX_KEYS;
  const [secret, ...otherSecrets] = values.sinchSecrets ?? SANDBOX_SECRETS;
  // The first one sends. During a rotation, callbacks of the second one are accepted, too.
  const applications: readonly [SinchApplication, ...SinchApplication[]] = [
    { applicationKey: key, applicationSecret: secret },
    ...otherSecrets.map((applicationSecret) => ({ applicationKey: otherKey, applicationSecret })),
  ];
  return { baseUrl: values.sinchUrl ?? sandboxUrl, applications };
}

/** Whether the sandbox replaces the providers: outside production, if none has a remote URL. */
function usesSandbox(values: ProviderSettings, env: Environment): boolean {
  if (serviceConfig(env).isProduction) return false;
  return getConfiguredUrls(values).every((url) => LOOPBACK_URL.test(url));
}

/** One sandbox for all providers: at a URL in the settings, or started by this service. */
function getSandboxConfig(values: ProviderSettings) {
  const [url] = getConfiguredUrls(values);
  return {
    url: url ?? `http://127.0.0.1:${String(values.sandboxPort)}`,
    /** Where this service starts the sandbox; `undefined` if the settings have its URL. */
    startOn: url === undefined ? { host: values.sandboxHost, port: values.sandboxPort } : undefined,
  };
}

/** The URLs in the settings. Sinch credentials without a URL mean Sinch's own host. */
function getConfiguredUrls(values: ProviderSettings): string[] {
  const sinch = values.sinchUrl ?? (hasSinchCredentials(values) ? SINCH_URL : undefined);
  const urls = { infobip: values.infobipUrl, sinch };
  return values.names.map((name) => urls[name]).filter((url) => url !== undefined);
}

const hasSinchCredentials = ({ sinchKeys, sinchSecrets }: ProviderSettings): boolean =>
  sinchKeys !== undefined || sinchSecrets !== undefined;
