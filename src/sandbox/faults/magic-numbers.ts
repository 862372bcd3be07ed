import type { ProviderName } from '../provider-name.js';
import type { ReportFault, SandboxFault, SandboxOperation } from './sandbox-fault.js';

interface MagicScenario {
  /** The affected operations. Other operations for the same recipient work normally. */
  readonly operations: readonly SandboxOperation[];
  readonly fault: SandboxFault;
}

const SEND_OPERATIONS: readonly SandboxOperation[] = ['send', 'resend'];

/**
 * Faults by area code. The code AAA sets the fault of the numbers +1 AAA 555 0100 to 0199. The North
 * American Numbering Plan reserves these numbers for fiction: valid, but never assigned.
 * docs/sandbox.md explains each kind. `delivered` works normally, but ignores the limits.
 */
export const MAGIC_AREA_CODES: Readonly<Record<string, MagicScenario>> = {
  201: { operations: [...SEND_OPERATIONS, 'verify'], fault: { kind: 'delivered' } },
  202: { operations: SEND_OPERATIONS, fault: { kind: 'not-sent' } },
  203: { operations: SEND_OPERATIONS, fault: { kind: 'no-credit' } },
  205: { operations: SEND_OPERATIONS, fault: { kind: 'unreachable' } },
  206: { operations: SEND_OPERATIONS, fault: { kind: 'unreachable-prose' } },
  207: { operations: SEND_OPERATIONS, fault: { kind: 'no-lookup' } },
  208: { operations: SEND_OPERATIONS, fault: { kind: 'throttled' } },
  209: { operations: SEND_OPERATIONS, fault: { kind: 'slow' } },
  210: { operations: SEND_OPERATIONS, fault: { kind: 'hang' } },
  212: { operations: SEND_OPERATIONS, fault: { kind: 'drop' } },
  213: { operations: SEND_OPERATIONS, fault: { kind: 'drop', performed: true } },
  214: { operations: SEND_OPERATIONS, fault: { kind: 'server-error' } },
  215: { operations: SEND_OPERATIONS, fault: { kind: 'unavailable' } },
  216: { operations: SEND_OPERATIONS, fault: { kind: 'garbage' } },
  217: { operations: SEND_OPERATIONS, fault: { kind: 'bad-request' } },
  218: { operations: SEND_OPERATIONS, fault: { kind: 'unauthorized' } },
  219: { operations: SEND_OPERATIONS, fault: { kind: 'forbidden' } },
  224: { operations: SEND_OPERATIONS, fault: { kind: 'not-found' } },
  225: { operations: ['send'], fault: { kind: 'expired' } },
  228: { operations: ['resend'], fault: { kind: 'new-pin-id' } },
  229: { operations: ['verify'], fault: { kind: 'wrong-msisdn' } },
  231: { operations: ['verify'], fault: { kind: 'exhausted' } },
  234: { operations: ['verify'], fault: { kind: 'throttled' } },
  239: { operations: ['verify'], fault: { kind: 'slow' } },
  240: { operations: ['verify'], fault: { kind: 'hang' } },
  248: { operations: ['verify'], fault: { kind: 'drop' } },
  251: { operations: ['verify'], fault: { kind: 'drop', performed: true } },
  252: { operations: ['verify'], fault: { kind: 'server-error' } },
  253: { operations: ['verify'], fault: { kind: 'garbage' } },
  254: { operations: ['verify'], fault: { kind: 'not-found' } },
};

/** Delivery reports by area code. Messages to these numbers arrive, also if their report denies it. */
export const MAGIC_REPORT_AREA_CODES: Readonly<Record<string, ReportFault>> = {
  256: { kind: 'normal', status: 'UNDELIVERABLE_NOT_DELIVERED', errorId: 27 },
  260: { kind: 'normal', status: 'EXPIRED_EXPIRED', errorId: 811 },
  262: { kind: 'normal', status: 'REJECTED_NOT_ENOUGH_CREDITS' },
  267: { kind: 'lost' },
  269: { kind: 'late' },
  270: { kind: 'duplicated' },
  272: { kind: 'reordered' },
  281: { kind: 'early' },
};

const SCENARIOS = Object.values(MAGIC_AREA_CODES);

/** At Sinch, the numbers 0150 to 0199 work normally, so that tests can fail over to Sinch. */
const NUMBER_PATTERNS: Record<ProviderName, RegExp> = {
  infobip: /^1(\d{3})55501\d{2}$/,
  sinch: /^1(\d{3})55501[0-4]\d$/,
};

/** The e-mail address names the fault, up to an optional `+`: `not-sent+7@sandbox.test`. */
const EMAIL_PATTERN = /^([a-z-]+)(\+[^@]*)?@sandbox\.test$/;

/**
 * Finds the fault of an operation for a magic number or e-mail address; `undefined` if none.
 * @param to a phone number in digits without `+`, or an e-mail address
 */
export function findMagicFault(
  operation: SandboxOperation,
  to: string,
  provider: ProviderName,
): SandboxFault | undefined {
  const scenario = findScenario(to, provider);
  return scenario?.operations.includes(operation) ? scenario.fault : undefined;
}

/**
 * Like {@link findMagicFault}, for the delivery reports of a message to a magic number.
 * Sinch does not have Infobip's statuses: it reports `Failed` instead.
 */
export function findMagicReport(to: string, provider: ProviderName): ReportFault | undefined {
  const [, areaCode = ''] = NUMBER_PATTERNS[provider].exec(to) ?? [];
  const fault = MAGIC_REPORT_AREA_CODES[areaCode];
  if (fault?.status === undefined || provider === 'infobip') return fault;
  return { kind: fault.kind, status: 'Failed' };
}

function findScenario(to: string, provider: ProviderName): MagicScenario | undefined {
  const [, areaCode] = NUMBER_PATTERNS[provider].exec(to) ?? [];
  if (areaCode !== undefined) return MAGIC_AREA_CODES[areaCode];
  const [, kind] = EMAIL_PATTERN.exec(to.toLowerCase()) ?? [];
  // If a kind has several scenarios, the first one is for sends.
  return SCENARIOS.find(({ fault }) => fault.kind === kind);
}
