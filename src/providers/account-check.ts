import type { ProviderError } from './provider-error.js';

/** The result of one check of the provider's account. */
export interface AccountFinding {
  /** What was checked: `credentials`, `application`, `attempts`, … */
  readonly check: string;
  /** `error`: end users are or will be affected. */
  readonly level: 'ok' | 'warning' | 'error';
  /** One sentence. Never contains a credential. */
  readonly message: string;
  /** How to fix the problem; `undefined` without a problem or a specific remedy. */
  readonly remedy: string | undefined;
}

/** Compares the account at a provider with this service's settings. */
export abstract class AccountCheck {
  /**
   * Reads the account; sends and changes nothing. An account that cannot be read is a finding too.
   * @param signal aborts the calls.
   */
  abstract check(signal?: AbortSignal): Promise<AccountFinding[]>;
}

/** The provider's account could not be read or changed. */
export class AccountError extends Error {
  override readonly name = 'AccountError';

  constructor(readonly finding: AccountFinding) {
    super([finding.message, finding.remedy].filter(Boolean).join(' '));
  }
}

const PROXY_REMEDY =
  'The proxy does not connect to this host: check HTTPS_PROXY, HTTP_PROXY and NO_PROXY, and what the proxy allows.';
const RETRY_LATER = 'Try again in some minutes.';

type FindingFactory = (check: string, message: string, remedy?: string) => AccountFinding;

const createFindingFactory =
  (level: AccountFinding['level']): FindingFactory =>
  (check, message, remedy) => ({ check, level, message, remedy });

export const okFinding = createFindingFactory('ok');
export const warningFinding = createFindingFactory('warning');
export const errorFinding = createFindingFactory('error');

/**
 * The finding for a status that means the same at every provider.
 * @param api such as `Infobip’s 2FA API`
 * @param hostRemedy how to set the right host
 */
export function toStatusFinding(status: number, api: string, hostRemedy: string): AccountFinding {
  if (status === 429) {
    return warningFinding(
      'host',
      `${api} rejects the check: too many requests (429).`,
      RETRY_LATER,
    );
  }
  if (status >= 500) return errorFinding('host', `${api} fails (${String(status)}).`, RETRY_LATER);
  return errorFinding('host', `The host is not ${api} (status ${String(status)}).`, hostRemedy);
}

/**
 * The finding for a call that got no response.
 * @param host such as `The host of Sinch`
 * @param hostRemedy how to set the right host
 */
export function toFailureFinding(
  { failure, message }: ProviderError,
  host: string,
  hostRemedy: string,
): AccountFinding {
  const problem =
    failure === 'timed_out' ? 'does not respond in time' : `cannot be reached: ${message}`;
  // Errors of the proxy have a code such as PROXY_STATUS_407, which the message contains.
  const isProxyError = message.includes('(PROXY_');
  return errorFinding('host', `${host} ${problem}.`, isProxyError ? PROXY_REMEDY : hostRemedy);
}

/** Formats a value that the provider returned, of any type, for a message. */
export const formatValue = (value: unknown): string =>
  value === undefined ? 'not set' : JSON.stringify(value).slice(0, 60);
