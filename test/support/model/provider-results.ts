import type { ProviderName } from '../../../src/common/provider-name.js';
import type { ProviderCall, ProviderResponseRecord } from './operation.js';

/** What a call means for the service, as the provider's API documents it. */
export type CallResult =
  | { readonly kind: 'accepted' }
  | { readonly kind: CodeCheckResult }
  | { readonly kind: 'failed'; readonly failure: CallFailure };

type CodeCheckResult =
  'verified' | 'wrong_code' | 'wrong_code_final' | 'expired' | 'attempts_exhausted';

/** A failed call: the answer of the service, and whether the call may have had an effect. */
export interface CallFailure {
  readonly status: number;
  readonly code: string;
  readonly ambiguous: boolean;
  /** False if the service rejected the request without a call. */
  readonly wasCalled: boolean;
}

const failure = (status: number, code: string, ambiguous = false): CallResult => ({
  kind: 'failed',
  failure: { status, code, ambiguous, wasCalled: true },
});

const UNCLEAR = failure(502, 'provider_error', true);
const UNREACHABLE = failure(422, 'destination_unreachable');
const REJECTED = failure(502, 'provider_error');
const THROTTLED = failure(503, 'provider_unavailable');

/** The failure of a call that the service does not make because a circuit is open. */
export const NOT_CALLED: CallFailure = {
  status: 503,
  code: 'provider_unavailable',
  ambiguous: false,
  wasCalled: false,
};

/** Stands for a call that the model expects but the service did not make. No answer has status 0. */
export const MISSING_CALL: CallFailure = {
  status: 0,
  code: 'a provider was not called',
  ambiguous: false,
  wasCalled: true,
};

/** Whether the provider counts as down after a call, so that its circuit may open. */
export const isProviderDown = (call: ProviderCall): boolean => {
  const { received } = call;
  return (
    received === undefined || received.status >= 500 || received.status === 429 || isText(received)
  );
};

export function toCallResult(call: ProviderCall): CallResult {
  const { received } = call;
  if (!received || received.status >= 500 || isText(received)) return UNCLEAR;
  return TRANSLATIONS[call.provider](call, received);
}

type Body = Record<string, unknown>;

const TRANSLATIONS: Record<
  ProviderName,
  (call: ProviderCall, received: ProviderResponseRecord) => CallResult
> = {
  infobip: ({ operation }, { status, body }) => {
    if (operation === 'status') {
      if (status === 429) return THROTTLED;
      return status >= 400 ? REJECTED : { kind: 'accepted' };
    }
    const { smsStatus, callStatus, ncStatus, verified, pinError } = body as Body;
    if (operation === 'verify') {
      if (status === 404) return { kind: 'attempts_exhausted' };
      if (status === 429) return THROTTLED;
      if (status >= 400) return REJECTED;
      if (verified === true) return { kind: 'verified' };
      if (pinError === 'TTL_EXPIRED') return { kind: 'expired' };
      return { kind: pinError === 'NO_MORE_PIN_ATTEMPTS' ? 'attempts_exhausted' : 'wrong_code' };
    }
    if (status === 404 && operation === 'resend') return failure(409, 'not_resendable');
    if (status === 429) return THROTTLED;
    if (status >= 400) return REJECTED;
    if (smsStatus === 'MESSAGE_NOT_SENT') {
      return String(ncStatus).includes('NOT_REACHABLE') ? UNREACHABLE : REJECTED;
    }
    if (/^(REJECTED|UNDELIVERABLE)/.test(String(callStatus))) return REJECTED;
    return { kind: 'accepted' };
  },
  sinch: ({ operation }, { status, body }) => {
    const { errorCode, status: state, reason } = body as Body;
    if (operation === 'verify') {
      if (errorCode === 40400) return { kind: 'attempts_exhausted' };
      if (status === 429) return THROTTLED;
      if (status >= 400) return REJECTED;
      if (state === 'SUCCESSFUL') return { kind: 'verified' };
      if (reason === 'Expired') return { kind: 'expired' };
      return { kind: state === 'FAIL' ? 'wrong_code_final' : 'attempts_exhausted' };
    }
    if (status === 429) return THROTTLED;
    if (status >= 400 || state === 'DENIED' || state === 'ERROR') return REJECTED;
    return { kind: 'accepted' };
  },
};

/** The result of an earlier check, as a `status` call shows it; a failure if the call failed. */
export function toEarlierCheckResult(
  call: ProviderCall,
  { phoneNumber, createdAt }: { phoneNumber: string; createdAt: number },
): 'verified' | 'not_known' | CallFailure {
  const { received, provider, endedAt } = call;
  const result = toCallResult(call);
  const isMissing = provider === 'sinch' && received?.status === 404;
  if (result.kind === 'failed' && !isMissing) return result.failure;
  const { status, verifications } = (received?.body ?? {}) as Body;
  if (provider === 'sinch') return status === 'SUCCESSFUL' ? 'verified' : 'not_known';
  // A time of Infobip's clock, which may differ from the service's clock.
  const sentAfter = createdAt + (received?.date ?? endedAt) - endedAt - CLOCK_TOLERANCE_MS;
  // A message without a time may be the message of this check.
  const candidates = (verifications as Body[]).filter(({ sentAt }) => {
    return typeof sentAt !== 'number' || sentAt >= sentAfter;
  });
  const [only, ...others] = candidates;
  const isOurs = only?.['msisdn'] === phoneNumber.slice(1) && only['verified'] === true;
  return isOurs && others.length === 0 ? 'verified' : 'not_known';
}

/** Infobip's send time may be rounded down to seconds, and a clock may be corrected a little. */
const CLOCK_TOLERANCE_MS = 2_000;

const isText = ({ body }: ProviderResponseRecord): boolean => typeof body !== 'object';

/** Whether the provider sent a message, even if its response was lost. */
export const isAcceptedMessage = (call: ProviderCall): boolean =>
  (call.operation === 'send' || call.operation === 'resend') &&
  call.providerResponse !== undefined &&
  toCallResult({ ...call, received: call.providerResponse }).kind === 'accepted';

/** Whether the provider checked a code, even if its response was lost. */
export const isCodeCheck = ({ operation, providerResponse }: ProviderCall): boolean =>
  operation === 'verify' && providerResponse !== undefined && providerResponse.status < 400;

/** Whether the provider compared a code. It does not for an expired code or without attempts left. */
export const isCodeComparison = (call: ProviderCall): boolean =>
  isCodeCheck(call) &&
  !['expired', 'attempts_exhausted'].includes(
    toCallResult({ ...call, received: call.providerResponse }).kind,
  );

/** The PIN id that the provider returned or, if it returned none, that of the call. */
export function readProviderPinId({
  provider,
  providerPinId,
  providerResponse,
}: ProviderCall): string {
  const body = (providerResponse?.body ?? {}) as Body;
  const id = provider === 'infobip' ? body['pinId'] : body['id'];
  return typeof id === 'string' ? id : (providerPinId ?? '');
}
