import { Injectable } from '@nestjs/common';
import type { AccountCheck, AccountFinding } from '../account-check.js';
import type { ProviderResponse } from '../provider-response.js';
import { ProviderError } from '../provider-error.js';
import { SinchClient } from './sinch.client.js';
import { getErrorCode, isNotFound } from './sinch.errors.js';

/** Asks about a verification that cannot exist: it sends nothing and costs nothing. */
const NONEXISTENT_PATH = '/verification/v1/verifications/id/none';

const TIMESTAMP_HEADER = 40101;

const CREDENTIALS_REMEDY =
  'Set SINCH_APPLICATION_KEY and SINCH_APPLICATION_SECRET to the Key and Secret that the ' +
  'dashboard shows of a Verification application; the keys of a project do not work here.';
const HOST_REMEDY = 'Leave SINCH_BASE_URL out for Sinch’s own host.';
const RETRY_LATER = 'Try again in some minutes.';

/** Sees whether Sinch takes the application's signature: there is nothing else to configure there. */
@Injectable()
export class SinchAccountCheck implements AccountCheck {
  constructor(private readonly client: SinchClient) {}

  async check(signal?: AbortSignal): Promise<AccountFinding[]> {
    try {
      return [findingOn(await this.client.get(NONEXISTENT_PATH, { signal }))];
    } catch (thrown) {
      if (!(thrown instanceof ProviderError)) throw thrown;
      const what =
        thrown.failure === 'timed_out'
          ? 'does not answer in time'
          : `cannot be reached: ${thrown.message}`;
      return [error('host', `The host of Sinch ${what}.`, HOST_REMEDY)];
    }
  }
}

function findingOn(answer: ProviderResponse): AccountFinding {
  const { status } = answer;
  const code = getErrorCode(answer);
  switch (true) {
    case isNotFound(answer):
      return {
        check: 'access',
        level: 'ok',
        message: 'Sinch answers, and takes the application key and its signature.',
        remedy: undefined,
      };
    case code === TIMESTAMP_HEADER:
      return error(
        'clock',
        'Sinch refuses the time of the request (40101).',
        'Have the clock of this machine set by NTP.',
      );
    case status === 401 || status === 403 || (code !== undefined && /^40[13]/.test(String(code))):
      return error(
        'credentials',
        `Sinch does not take the application key or its signature (${String(code ?? status)}).`,
        CREDENTIALS_REMEDY,
      );
    case status === 429:
      return {
        ...error(
          'host',
          'Sinch wants fewer requests (429), so nothing could be checked.',
          RETRY_LATER,
        ),
        level: 'warning',
      };
    case status >= 500:
      return error('host', `Sinch fails (${String(status)}).`, RETRY_LATER);
    default:
      return error(
        'host',
        `What answers there is not Sinch’s Verification API (status ${String(status)}).`,
        HOST_REMEDY,
      );
  }
}

const error = (check: string, message: string, remedy: string): AccountFinding => ({
  check,
  level: 'error',
  message,
  remedy,
});
