import type { Vendor } from '../vendor.js';
import type { Fault, Operation } from './fault.js';

interface Scenario {
  /** The calls that it concerns; others with that address go as usual. */
  readonly on: readonly Operation[];
  readonly fault: Fault;
}

const SENDS: readonly Operation[] = ['send', 'resend'];

/**
 * Area codes whose numbers +1 AAA 555 0100 to 0199 always behave in one way. North America keeps
 * these numbers for fiction: nobody has them, and yet they are valid.
 */
export const MAGIC_AREA_CODES: Readonly<Record<string, Scenario>> = {
  201: { on: [...SENDS, 'verify'], fault: { kind: 'delivered' } },
  202: { on: SENDS, fault: { kind: 'not-sent' } },
  203: { on: SENDS, fault: { kind: 'no-credit' } },
  205: { on: SENDS, fault: { kind: 'unreachable' } },
  206: { on: SENDS, fault: { kind: 'unreachable-prose' } },
  207: { on: SENDS, fault: { kind: 'no-lookup' } },
  208: { on: SENDS, fault: { kind: 'throttled' } },
  209: { on: SENDS, fault: { kind: 'slow' } },
  210: { on: SENDS, fault: { kind: 'hang' } },
  212: { on: SENDS, fault: { kind: 'drop' } },
  213: { on: SENDS, fault: { kind: 'drop', performed: true } },
  214: { on: SENDS, fault: { kind: 'server-error' } },
  215: { on: SENDS, fault: { kind: 'unavailable' } },
  216: { on: SENDS, fault: { kind: 'garbage' } },
  217: { on: SENDS, fault: { kind: 'bad-request' } },
  218: { on: SENDS, fault: { kind: 'unauthorized' } },
  219: { on: SENDS, fault: { kind: 'forbidden' } },
  224: { on: SENDS, fault: { kind: 'not-found' } },
  225: { on: ['send'], fault: { kind: 'expired' } },
  228: { on: ['resend'], fault: { kind: 'new-pin-id' } },
  229: { on: ['verify'], fault: { kind: 'wrong-msisdn' } },
  231: { on: ['verify'], fault: { kind: 'exhausted' } },
  234: { on: ['verify'], fault: { kind: 'throttled' } },
  239: { on: ['verify'], fault: { kind: 'slow' } },
  240: { on: ['verify'], fault: { kind: 'hang' } },
  248: { on: ['verify'], fault: { kind: 'drop' } },
  251: { on: ['verify'], fault: { kind: 'drop', performed: true } },
  252: { on: ['verify'], fault: { kind: 'server-error' } },
  253: { on: ['verify'], fault: { kind: 'garbage' } },
  254: { on: ['verify'], fault: { kind: 'not-found' } },
};

/** The second half of each hundred goes as usual at Sinch, so that a failover succeeds there. */
const MAGIC_NUMBERS: Record<Vendor, RegExp> = {
  infobip: /^1(\d{3})55501\d{2}$/,
  sinch: /^1(\d{3})55501[0-4]\d$/,
};

/** E-mail addresses name the kind themselves, as in `not-sent+7@sandbox.test`. */
const MAGIC_MAILBOX = /^([a-z-]+)(\+[^@]*)?@sandbox\.test$/;

/** What always happens at a vendor to calls of this operation with this address, if anything does. */
export function magicFault(operation: Operation, to: string, vendor: Vendor): Fault | undefined {
  const scenario = scenarioOf(to, vendor);
  return scenario?.on.includes(operation) ? scenario.fault : undefined;
}

function scenarioOf(to: string, vendor: Vendor): Scenario | undefined {
  const [, areaCode = ''] = MAGIC_NUMBERS[vendor].exec(to) ?? [];
  const [, kind = ''] = MAGIC_MAILBOX.exec(to.toLowerCase()) ?? [];
  // The first with that kind is the one that concerns the send.
  return MAGIC_AREA_CODES[areaCode] ?? BY_KIND.get(kind);
}

const BY_KIND = new Map(
  Object.values(MAGIC_AREA_CODES)
    .toReversed()
    .map((scenario) => [scenario.fault.kind as string, scenario]),
);
