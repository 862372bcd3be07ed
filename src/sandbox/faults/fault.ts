import type { ErrorShape } from '../infobip/api-error.js';

export const OPERATIONS = ['send', 'resend', 'verify', 'status', 'configuration'] as const;
/** A kind of call, whichever channel it concerns. */
export type Operation = (typeof OPERATIONS)[number];

/** What any call can be answered with, in place of its answer. */
const WIRE_KINDS = [
  'bad-request',
  'unauthorized',
  'forbidden',
  'not-found',
  'throttled',
  'server-error',
  'unavailable',
  'garbage',
  'hang',
  'drop',
  'slow',
] as const;
export type WireKind = (typeof WIRE_KINDS)[number];

const DELIVERY_KINDS = [
  'delivered',
  'not-sent',
  'no-credit',
  'unreachable',
  'unreachable-prose',
  'no-lookup',
] as const;
/** How a text fares that a call asked for. */
export type DeliveryKind = (typeof DELIVERY_KINDS)[number];

/** What a call itself comes to, told in its ordinary answer. */
export type Effect = DeliveryKind | 'expired' | 'exhausted' | 'new-pin-id' | 'wrong-msisdn';

export type FaultKind = WireKind | Effect;

export const KINDS: Record<Operation, readonly FaultKind[]> = {
  send: [...WIRE_KINDS, ...DELIVERY_KINDS, 'expired'],
  resend: [...WIRE_KINDS, ...DELIVERY_KINDS, 'new-pin-id'],
  verify: [...WIRE_KINDS, 'delivered', 'expired', 'exhausted', 'wrong-msisdn'],
  status: WIRE_KINDS,
  configuration: WIRE_KINDS,
};

/** What is to go wrong with a call. */
export interface Fault {
  readonly kind: FaultKind;
  /** Whether the call does its work all the same, and only its answer is spoilt. Default: no. */
  readonly performed?: boolean;
  /** Milliseconds that a `slow` answer takes. Default: 2000. */
  readonly delayMs?: number;
  /** Shape of the error that this fault of Infobip's answers with. Default: the sandbox's setting. */
  readonly errorShape?: ErrorShape;
}

/** Those that are an error of the vendor's own. */
export type RefusalKind = Exclude<WireKind, 'garbage' | 'hang' | 'drop' | 'slow'>;

/** Seconds that `throttled` asks to wait. */
export const THROTTLED_FOR_S = 3;

export function isWireKind(kind: FaultKind): kind is WireKind {
  return (WIRE_KINDS as readonly FaultKind[]).includes(kind);
}
