/** The operation whose response is stored; a resend has the response of a send. */
export type StoredOperation = 'send' | 'verify';

type JsonObject = Readonly<Partial<Record<string, unknown>>>;

const SEND_FIELDS = ['pinId', 'to', 'channel', 'expiresAt', 'resendAvailableAt'];

/** Whether a decrypted response can be replayed. A newer release may have added fields. */
export const HAS_SHAPE: Readonly<Record<StoredOperation, (value: unknown) => value is object>> = {
  send: isSendResponse,
  verify: isVerifyResult,
};

function isSendResponse(value: unknown): value is object {
  return isObject(value) && SEND_FIELDS.every((name) => typeof value[name] === 'string');
}

function isVerifyResult(value: unknown): value is object {
  if (!isObject(value)) return false;
  const { verified, proof, reason, attemptsRemaining } = value;
  if (verified === true) return proof === undefined || typeof proof === 'string';
  if (verified !== false || typeof reason !== 'string') return false;
  return reason !== 'wrong_code' || Number.isInteger(attemptsRemaining);
}

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null;
