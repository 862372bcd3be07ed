import type { ProviderName } from '../common/provider-name.js';
import type { AppConfig, InfobipAccount, SinchAccount } from './app-config.js';

/** What the environment says of the providers, after validation. */
export interface ProviderEnvironment {
  NODE_ENV: 'development' | 'test' | 'production';
  PROVIDERS: [ProviderName, ...ProviderName[]];
  INFOBIP_BASE_URL?: string;
  INFOBIP_API_KEY?: string;
  INFOBIP_APP_ID?: string;
  INFOBIP_MESSAGE_ID?: string;
  SINCH_BASE_URL?: string;
  SINCH_APPLICATION_KEY?: string;
  SINCH_APPLICATION_SECRET?: string;
  SANDBOX_PORT: number;
}

type Accounts = Pick<AppConfig, 'providers' | 'infobip' | 'sinch' | 'sandbox'>;

/** An address on this machine: the only place where plain http and the sandbox are. */
export const LOOPBACK_URL = /^https?:\/\/(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?(\/|$)/i;

/** All of Sinch's customers have one host. */
export const SINCH_URL = 'https://verification.api.sinch.com';

const CREDENTIALS = {
  infobip: ['INFOBIP_BASE_URL', 'INFOBIP_API_KEY', 'INFOBIP_APP_ID', 'INFOBIP_MESSAGE_ID'],
  sinch: ['SINCH_APPLICATION_KEY', 'SINCH_APPLICATION_SECRET'],
} as const satisfies Record<ProviderName, readonly (keyof ProviderEnvironment)[]>;

/**
 * The settings without which a provider that is named cannot be used. The sandbox stands in for
 * all of them or for none: otherwise texts would go to phones or to the sandbox by chance.
 */
export function missingCredentials(env: ProviderEnvironment): string[] {
  const sandboxed = usesSandbox(env);
  return env.PROVIDERS.flatMap((provider): readonly (keyof ProviderEnvironment)[] => {
    // A key of Sinch's is of no use without its secret, nor the other way round.
    const needed = !sandboxed || (provider === 'sinch' && namesSinchAccount(env));
    return needed ? CREDENTIALS[provider] : [];
  }).filter((name) => env[name] === undefined);
}

/** The accounts of the providers that are named, and the sandbox that stands in for them. */
export function accountsOf(env: ProviderEnvironment): Accounts {
  const sandboxUrl = usesSandbox(env) ? sandboxUrlOf(env) : undefined;
  const named = (provider: ProviderName) => env.PROVIDERS.includes(provider);
  return {
    providers: env.PROVIDERS,
    infobip: named('infobip') ? infobipOf(env, sandboxUrl) : undefined,
    sinch: named('sinch') ? sinchOf(env, sandboxUrl) : undefined,
    sandbox:
      sandboxUrl === undefined
        ? undefined
        : { url: sandboxUrl, startOnPort: givenLoopbackUrl(env) ? undefined : env.SANDBOX_PORT },
  };
}

function infobipOf(env: ProviderEnvironment, sandboxUrl = ''): InfobipAccount {
  return {
    baseUrl: env.INFOBIP_BASE_URL ?? sandboxUrl,
    apiKey: env.INFOBIP_API_KEY ?? 'sandbox-key',
    applicationId: env.INFOBIP_APP_ID ?? 'sandbox-application',
    messageId: env.INFOBIP_MESSAGE_ID ?? 'sandbox-message',
  };
}

function sinchOf(env: ProviderEnvironment, sandboxUrl = SINCH_URL): SinchAccount {
  return {
    baseUrl: env.SINCH_BASE_URL ?? sandboxUrl,
    applicationKey: env.SINCH_APPLICATION_KEY ?? '5a4db0c5-0000-4000-8000-000000000000',
    applicationSecret: env.SINCH_APPLICATION_SECRET ?? 'c2FuZGJveC1zZWNyZXQ=',
  };
}

/** Outside production, unless a provider that is named is somewhere else than on this machine. */
function usesSandbox(env: ProviderEnvironment): boolean {
  if (env.NODE_ENV === 'production') return false;
  return env.PROVIDERS.every((provider) => {
    const url = givenUrl(provider, env);
    return url === undefined || LOOPBACK_URL.test(url);
  });
}

/** Where a provider is, as far as the settings say so: who has a key of Sinch's means its host. */
function givenUrl(provider: ProviderName, env: ProviderEnvironment): string | undefined {
  switch (provider) {
    case 'infobip':
      return env.INFOBIP_BASE_URL;
    case 'sinch':
      return env.SINCH_BASE_URL ?? (namesSinchAccount(env) ? SINCH_URL : undefined);
  }
}

/** One sandbox stands in for all of them: the one that a setting names, or one beside us. */
function sandboxUrlOf(env: ProviderEnvironment): string {
  return givenLoopbackUrl(env) ?? `http://127.0.0.1:${String(env.SANDBOX_PORT)}`;
}

function givenLoopbackUrl(env: ProviderEnvironment): string | undefined {
  return env.PROVIDERS.map((provider) => givenUrl(provider, env)).find(Boolean);
}

function namesSinchAccount(env: ProviderEnvironment): boolean {
  return env.SINCH_APPLICATION_KEY !== undefined || env.SINCH_APPLICATION_SECRET !== undefined;
}
