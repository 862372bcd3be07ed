import type { ConfigType } from '@nestjs/config';
import Joi from 'joi';
import type { ProviderName } from '../common/provider-name.js';
import {
  configNamespace,
  optional,
  readSettings,
  setting,
  type Environment,
  type SettingValues,
} from './config-namespace.js';
import { baseUrl, docs, duration, LOOPBACK_URL, parsed, positiveInt } from './env-types.js';
import { parseProviders } from './list-parsers.js';
import { serviceConfig } from './service.config.js';

/** All customers of Sinch share one host. */
const SINCH_URL = 'https://verification.api.sinch.com';
const FROM_SANDBOX = docs({ developmentDefault: 'the sandbox’s' });

const SETTINGS = {
  /** In order of preference; each once. */
  names: setting(
    'PROVIDERS',
    parsed(parseProviders)
      .default(['infobip'])
      .example('infobip,sinch')
      .description('who is asked for codes: the next where the one before fails')
      .meta(docs({ values: '`infobip`, `sinch`, in order of preference' })),
  ),
  timeoutMs: setting(
    'PROVIDER_TIMEOUT',
    duration('5s', ['1ms', '60s']).description(
      'one provider’s part in a request, from connect to last byte',
    ),
  ),
  maxInFlight: setting(
    'PROVIDER_MAX_IN_FLIGHT',
    positiveInt(200, 100_000).description(
      'sends, resends or verifies that may wait for one provider at the same time',
    ),
  ),
  infobipUrl: optional(
    'INFOBIP_BASE_URL',
    baseUrl()
      .example('https://account.api.infobip.com')
      .description('your account’s host')
      .meta(FROM_SANDBOX),
  ),
  infobipApiKey: optional(
    'INFOBIP_API_KEY',
    Joi.string().description('an API key with the scope `2fa:pin:send`').meta(FROM_SANDBOX),
  ),
  infobipApplication: optional(
    'INFOBIP_APP_ID',
    Joi.string().description('your 2FA application').meta(FROM_SANDBOX),
  ),
  infobipMessage: optional(
    'INFOBIP_MESSAGE_ID',
    Joi.string().description('its message template').meta(FROM_SANDBOX),
  ),
  sinchUrl: optional(
    'SINCH_BASE_URL',
    baseUrl()
      .description('with a key and without this, Sinch’s own host')
      .meta(FROM_SANDBOX)
      .meta(docs({ defaultText: SINCH_URL })),
  ),
  sinchKey: optional(
    'SINCH_APPLICATION_KEY',
    Joi.string().description('the key of your Verification application').meta(FROM_SANDBOX),
  ),
  sinchSecret: optional(
    'SINCH_APPLICATION_SECRET',
    Joi.string()
      .base64({ paddingRequired: false })
      .description('its secret, as the dashboard shows it')
      .meta(FROM_SANDBOX)
      .meta(docs({ values: 'base64' })),
  ),
  sandboxPort: setting(
    'SANDBOX_PORT',
    Joi.number()
      .port()
      .min(1)
      .default(3999)
      .description('the sandbox’s port on 127.0.0.1, outside production'),
  ),
};
type ProviderSettings = SettingValues<typeof SETTINGS>;

const CREDENTIALS = {
  infobip: ['infobipUrl', 'infobipApiKey', 'infobipApplication', 'infobipMessage'],
  sinch: ['sinchKey', 'sinchSecret'],
} as const satisfies Record<ProviderName, readonly (keyof ProviderSettings)[]>;

export const providersConfig = configNamespace(
  'providers',
  {
    title: 'Providers',
    intro:
      'Production wants the credentials of each provider that `PROVIDERS` names, and of no other. Outside it the sandbox stands in for all of them or for none.',
  },
  SETTINGS,
  (values, env) => {
    const { names, timeoutMs, maxInFlight } = values;
    const sandbox = usesSandbox(values, env) ? sandboxOf(values) : undefined;
    return {
      names,
      /** One provider call, from connect to last byte. */
      timeoutMs,
      /** One send or resend, over all providers that are tried for it. */
      sendDeadlineMs: timeoutMs * names.length,
      /** Calls of one kind (sends, resends, verifies) that may wait for one provider at the same time. */
      maxInFlight,
      /** `undefined` if `names` does not list it, as with the next. */
      infobip: names.includes('infobip') ? infobipOf(values, sandbox?.url) : undefined,
      sinch: names.includes('sinch') ? sinchOf(values, sandbox?.url) : undefined,
      /** Emulates the providers in use; never in production. */
      sandbox,
    };
  },
);
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
 * The required settings that are absent. The sandbox replaces all providers or none: otherwise it
 * would depend on chance whether a message goes to a phone or to the sandbox.
 */
export function findMissingCredentials(env: Environment): string[] {
  const values = readSettings(SETTINGS, env);
  const isSandboxed = usesSandbox(values, env);
  return values.names
    .flatMap((provider): readonly (keyof ProviderSettings)[] => {
      // Sinch's key is useless without its secret, and the reverse.
      const isNeeded = !isSandboxed || (provider === 'sinch' && hasSinchCredentials(values));
      return isNeeded ? CREDENTIALS[provider] : [];
    })
    .filter((property) => values[property] === undefined)
    .map((property) => SETTINGS[property].name);
}

const infobipOf = (values: ProviderSettings, sandboxUrl = '') => ({
  /** Without a trailing slash. */
  baseUrl: values.infobipUrl ?? sandboxUrl,
  apiKey: values.infobipApiKey ?? 'sandbox-key',
  applicationId: values.infobipApplication ?? 'sandbox-application',
  messageId: values.infobipMessage ?? 'sandbox-message',
});

const sinchOf = (values: ProviderSettings, sandboxUrl = SINCH_URL) => ({
  /** Without a trailing slash. */
  baseUrl: values.sinchUrl ?? sandboxUrl,
  applicationKey: values.sinchKey ?? '5a4db0c5-0000-4000-8000-000000000000',
  /** In base64, as the dashboard shows it. */
  applicationSecret: values.sinchSecret ?? 'c2FuZGJveC1zZWNyZXQ=',
});

/** Outside production, unless a provider in use has a URL on another machine. */
function usesSandbox(values: ProviderSettings, env: Environment): boolean {
  if (serviceConfig(env).isProduction) return false;
  return configuredUrls(values).every((url) => LOOPBACK_URL.test(url));
}

/** One sandbox for all providers: at a URL in the settings, or to be started on this machine. */
function sandboxOf(values: ProviderSettings) {
  const [url] = configuredUrls(values);
  return {
    url: url ?? `http://127.0.0.1:${String(values.sandboxPort)}`,
    /** `undefined` if it runs already. */
    startOnPort: url === undefined ? values.sandboxPort : undefined,
  };
}

/** The URLs that the settings give; Sinch credentials without a URL mean Sinch's own host. */
const configuredUrls = (values: ProviderSettings): string[] =>
  values.names
    .map((provider) => {
      switch (provider) {
        case 'infobip':
          return values.infobipUrl;
        case 'sinch':
          return values.sinchUrl ?? (hasSinchCredentials(values) ? SINCH_URL : undefined);
      }
    })
    .filter((url) => url !== undefined);

const hasSinchCredentials = ({ sinchKey, sinchSecret }: ProviderSettings): boolean =>
  sinchKey !== undefined || sinchSecret !== undefined;
