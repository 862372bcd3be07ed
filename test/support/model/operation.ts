import type { ProviderName } from '../../../src/common/provider-name.js';
import type { GatewayFault } from './provider-gateway.js';

export const CLIENTS = ['anna', 'bert', 'carl'] as const;

export type ModelChannel = 'sms' | 'voice' | 'whatsapp';

export type OperationKind =
  'send' | 'resend' | 'verify' | 'get' | 'cancel' | 'erase' | 'lookup' | 'cleanup';

/** A fault of the first call to this provider that an operation makes. */
export interface PlannedCallFault {
  readonly provider: ProviderName;
  readonly fault: GatewayFault | undefined;
  /** A fault of the `status` call, which reads the result of an earlier check. */
  readonly statusFault?: GatewayFault | undefined;
  /** How far the clock moves during the call, in milliseconds. */
  readonly advanceMs?: number;
}

/** A request of a client, as the generator chose it. */
export interface ModelOperation {
  /** Also the request id: letters only, so that the service keeps it. */
  readonly id: string;
  readonly kind: OperationKind;
  readonly client: string;
  /** Index of the replica that gets it. */
  readonly replica: number;
  /** The send that created the verification, for an operation that names it by `pinId`. */
  readonly target?: string | undefined;
  readonly pinId?: string | undefined;
  readonly phoneNumber?: string | undefined;
  readonly code?: string | undefined;
  readonly reference?: string | undefined;
  readonly endUserIp?: string | undefined;
  readonly channel?: ModelChannel | undefined;
  readonly key?: string | undefined;
  readonly fault?: PlannedCallFault | undefined;
}

/** A call that a provider received, and what came of it. */
export interface ProviderCall {
  readonly operationId: string;
  /** The number of the call, in the order in which all calls came. */
  readonly sequence: number;
  readonly provider: ProviderName;
  readonly operation: 'send' | 'resend' | 'verify' | 'status';
  readonly path: string;
  /** The PIN id of a resend or verify. */
  readonly providerPinId: string | undefined;
  /** The submitted code. */
  readonly code: string | undefined;
  readonly fault: GatewayFault | undefined;
  /** Times of the fake clock. */
  readonly startedAt: number;
  endedAt: number;
  /** The provider's response if it performed the call, even if the service did not get it. */
  providerResponse: ProviderResponseRecord | undefined;
  /** What the service got; `undefined` if the connection broke. */
  received: ProviderResponseRecord | undefined;
}

export interface ProviderResponseRecord {
  readonly status: number;
  /** The provider's time, in milliseconds since the epoch. */
  readonly date?: number;
  readonly body: unknown;
}

export interface OperationResponse {
  readonly status: number;
  readonly body: Record<string, unknown>;
  readonly retryAfter: number | undefined;
  readonly replayed: boolean;
}

/** An operation that was run, with everything that was observed. */
export interface OperationRecord extends ModelOperation {
  /** When the operation started, by the fake clock. */
  readonly startedAt: number;
  /** The time of the fake clock after the operation. */
  endedAt: number;
  /** The master secret with which its replica wrote. */
  readonly secret: string;
  readonly calls: ProviderCall[];
  response: OperationResponse;
}

/** The path and body of an operation's request. */
export function toHttpRequest(operation: ModelOperation): {
  method: 'GET' | 'POST' | 'DELETE';
  path: string;
  body?: Record<string, string>;
} {
  const { kind, pinId = '', phoneNumber, channel, reference, endUserIp, code } = operation;
  const post = (path: string, fields: Record<string, string | undefined>) => ({
    method: 'POST' as const,
    path,
    body: dropAbsent(fields),
  });
  switch (kind) {
    case 'send':
      return post('/otp/send', { phoneNumber, channel, reference, endUserIp });
    case 'resend':
      return post('/otp/resend', { pinId, channel });
    case 'verify': {
      const selector = phoneNumber === undefined ? { pinId } : { phoneNumber };
      return post('/otp/verify', { ...selector, otpCode: code, reference });
    }
    case 'lookup':
    case 'erase':
      return post(`/otp/numbers/${kind === 'lookup' ? 'lookup' : 'erase'}`, { phoneNumber });
    case 'get':
      return { method: 'GET', path: `/otp/${pinId}` };
    case 'cancel':
      return { method: 'DELETE', path: `/otp/${pinId}` };
    case 'cleanup':
      // The cleanup itself is no request. This one gives the operation a response.
      return { method: 'GET', path: '/health/live' };
  }
}

const dropAbsent = (fields: Record<string, string | undefined>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(fields).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
