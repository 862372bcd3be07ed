import { Injectable } from '@nestjs/common';
import {
  errorFinding,
  toFailureFinding,
  toStatusFinding,
  okFinding,
  type AccountCheck,
  type AccountFinding,
} from '../account-check.js';
import { ProviderError } from '../provider-error.js';
import type { ProviderResponse } from '../provider-response.js';
import { SinchClient } from './sinch.client.js';
import { getErrorCode, isNotFound, toProviderError } from './sinch.errors.js';

/** A verification that cannot exist: reading it sends nothing and costs nothing. */
const NONEXISTENT_PATH = '/verification/v1/verifications/id/none';

const INVALID_TIMESTAMP = 40101;

const CREDENTIALS_REMEDY =
  'Set SINCH_APPLICATION_KEY and SINCH_APPLICATION_SECRET to the Key and Secret that the ' +
  'dashboard shows for a Verification application; the keys of a project do not work here.';
const HOST_REMEDY = 'Leave SINCH_BASE_URL out for Sinch’s own host.';

/** Checks that Sinch accepts the application's signature; an application has nothing else to check. */
@Injectable()
export class SinchAccountCheck implements AccountCheck {
  constructor(private readonly client: SinchClient) {}

  async check(signal?: AbortSignal): Promise<AccountFinding[]> {
    try {
      return [toFinding(await this.client.get(NONEXISTENT_PATH, { signal }))];
    } catch (thrown) {
      if (!(thrown instanceof ProviderError)) throw thrown;
      return [toFailureFinding(thrown, 'The host of Sinch', HOST_REMEDY)];
    }
  }
}

function toFinding(response: ProviderResponse): AccountFinding {
  const { status } = response;
  const code = getErrorCode(response);
  if (isNotFound(response)) {
    return okFinding('access', 'Sinch answers and accepts the application key and its signature.');
  }
  if (code === INVALID_TIMESTAMP) {
    return errorFinding(
      'clock',
      'Sinch rejects the time of the request (40101).',
      'Have the clock of this machine set by NTP.',
    );
  }
  const { failure } = toProviderError(response);
  if (failure === 'not_accepted') {
    return errorFinding(
      'balance',
      `The account at Sinch has no credit (${String(code)}).`,
      'Add credit to the account in the dashboard.',
    );
  }
  if (failure === 'unauthorized') {
    const message = `Sinch does not accept the application key or its signature (${String(code ?? status)}).`;
    return errorFinding('credentials', message, CREDENTIALS_REMEDY);
  }
  return toStatusFinding(status, 'Sinch’s Verification API', HOST_REMEDY);
}
