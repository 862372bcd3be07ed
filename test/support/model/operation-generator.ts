import type { ProviderName } from '../../../src/common/provider-name.js';
import type { SeededRandom } from '../seeded-random.js';
import { wrongCode } from '../wrong-code.js';
import {
  CLIENTS,
  type ModelChannel,
  type ModelOperation,
  type OperationKind,
  type OperationRecord,
  type PlannedCallFault,
} from './operation.js';
import type { GatewayFault } from './provider-gateway.js';
import { readProviderPinId, toCallResult } from './provider-results.js';

const PHONE_NUMBERS = ['+41793026701', '+41793026702', '+41793026703'];
const OTHER_CHANNELS: readonly ModelChannel[] = ['voice', 'whatsapp'];
const END_USERS = ['203.0.113.7', '203.0.113.8'];
const REFERENCES = ['login', 'payment'];

/** The relative frequency of each operation. */
const WEIGHTS: Record<OperationKind, number> = {
  send: 26,
  verify: 36,
  resend: 10,
  get: 10,
  cancel: 4,
  erase: 3,
  lookup: 6,
  cleanup: 1,
};
const KINDS = Object.entries(WEIGHTS).flatMap(([kind, weight]) =>
  Array.from({ length: weight }, () => kind as OperationKind),
);

/** The faults of sends and resends. One that is listed more often is more frequent. */
const SEND_FAULTS: readonly GatewayFault[] = [
  'drop_before',
  'drop_after',
  'error_before',
  'error_after',
  'garbage_after',
  'throttled',
  'bad_request',
  'slow',
  'slow',
  'unreachable',
  'unreachable',
  'not-sent',
];
/** The faults of verifies, listed like those of sends. */
const VERIFY_FAULTS: readonly GatewayFault[] = [
  'drop_before',
  'drop_after',
  'drop_after',
  'drop_after',
  'error_before',
  'error_after',
  'error_after',
  'garbage_after',
  'throttled',
  'bad_request',
  'slow',
  'slow',
  'expired',
  'exhausted',
];

const STATUS_FAULTS: readonly GatewayFault[] = [
  'drop_before',
  'error_after',
  'garbage_after',
  'throttled',
  'bad_request',
  'slow',
];

/** A verification whose pinId a client knows. */
interface KnownVerification {
  readonly id: string;
  readonly client: string;
  readonly phoneNumber: string;
  readonly reference: string | undefined;
  readonly pinId: string;
  /** The codes that were sent, oldest first. */
  readonly codes: string[];
}

/** Chooses operations at random. There are few numbers and clients, so that operations collide. */
export class OperationGenerator {
  private readonly verifications: KnownVerification[] = [];
  private readonly keyedOperations: ModelOperation[] = [];
  /** Verifies whose answers may be lost. */
  private readonly failedVerifies: ModelOperation[] = [];
  private count = 0;

  constructor(
    private readonly random: SeededRandom,
    private readonly options: { providers: readonly ProviderName[]; replicas: number },
  ) {}

  /** Operations to run at the same time; mostly one. */
  nextGroup(): ModelOperation[] {
    const { random } = this;
    const size = random.oneIn(5) ? random.between(2, 4) : 1;
    const first = this.nextOperation(size === 1);
    const group = [first];
    while (group.length < size) {
      group.push(this.nextRival(first));
    }
    return group;
  }

  /** Takes note of the pinIds that clients got, and of the codes that phones got. */
  learn(records: readonly OperationRecord[], codes: ReadonlyMap<string, string>): void {
    for (const record of records) {
      const { kind, response, client, phoneNumber, reference, id, target } = record;
      if (record.key !== undefined) this.keyedOperations.push(record);
      if (kind === 'verify' && response.status >= 500) this.failedVerifies.push(record);
      const { pinId } = response.body;
      if (kind === 'send' && !response.replayed && typeof pinId === 'string') {
        this.verifications.push({
          id,
          client,
          phoneNumber: phoneNumber ?? '',
          reference,
          pinId,
          codes: [],
        });
      }
      if (kind === 'erase') {
        const kept = this.verifications.filter(
          (other) =>
            other.client !== client || other.phoneNumber !== phoneNumber || this.random.oneIn(5),
        );
        this.verifications.splice(0, Infinity, ...kept);
      }
      const verification = this.verifications.find((other) => other.id === (target ?? id));
      for (const call of record.calls) {
        if (call.operation === 'verify' || call.operation === 'status') continue;
        const code = call.providerResponse && codes.get(readProviderPinId(call));
        const isAccepted = toCallResult(call).kind === 'accepted';
        if (code !== undefined && isAccepted) verification?.codes.push(code);
      }
    }
  }

  private nextOperation(isAlone: boolean): ModelOperation {
    const { random } = this;
    if (this.keyedOperations.length > 0 && random.oneIn(8))
      return this.repeat(this.pickNewest(this.keyedOperations));
    const lost = this.failedVerifies.at(-1);
    if (lost && random.oneIn(6)) return this.followLost(lost);
    const kind = random.oneOf(KINDS);
    const fault = this.chooseFault(kind, isAlone);
    const common = {
      id: this.nextId(),
      kind,
      replica: random.between(0, this.options.replicas - 1),
      fault,
    };
    const hasKey = kind === 'send' || kind === 'resend' || kind === 'verify';
    const key = hasKey && random.oneIn(2) ? `key-${random.between(1, 9)}` : undefined;
    const client = random.oneOf(CLIENTS);
    const phoneNumber = random.oneOf(PHONE_NUMBERS);
    switch (kind) {
      case 'send': {
        const reference = random.oneIn(4) ? random.oneOf(REFERENCES) : undefined;
        const endUserIp = random.oneIn(3) ? random.oneOf(END_USERS) : undefined;
        const channel = random.oneIn(5) ? random.oneOf(OTHER_CHANNELS) : undefined;
        return { ...common, client, phoneNumber, reference, endUserIp, channel, key };
      }
      case 'verify':
        return { ...common, ...this.chooseVerify(client, phoneNumber), key };
      case 'resend': {
        const channel = random.oneIn(4) ? random.oneOf(OTHER_CHANNELS) : undefined;
        return { ...common, ...this.chooseTarget(client), channel, key };
      }
      case 'get':
      case 'cancel':
        return { ...common, ...this.chooseTarget(client) };
      case 'erase':
      case 'lookup':
        return { ...common, client, phoneNumber };
      case 'cleanup':
        return { ...common, client };
    }
  }

  /** The same request, perhaps to another replica, of another client or with other fields. */
  private repeat(operation: ModelOperation): ModelOperation {
    const { random } = this;
    const replica = random.between(0, this.options.replicas - 1);
    const client = random.oneIn(10) ? random.oneOf(CLIENTS) : operation.client;
    const changed = random.oneIn(6) ? this.changeRequest(operation) : {};
    return { ...toOperation(operation), id: this.nextId(), replica, client, ...changed };
  }

  /** An operation to run together with the first; mostly one on the same verification or number. */
  private nextRival(first: ModelOperation): ModelOperation {
    if (this.random.oneIn(3)) return this.nextOperation(false);
    return this.random.oneIn(2) ? this.repeat(first) : this.collide(first);
  }

  /** Another operation of the same client on the same verification or number. */
  private collide({ client, target, pinId, phoneNumber }: ModelOperation): ModelOperation {
    const { random } = this;
    const known = this.verifications.find((other) => other.id === target);
    const replica = random.between(0, this.options.replicas - 1);
    const common = { id: this.nextId(), client, replica };
    const number = phoneNumber ?? known?.phoneNumber ?? random.oneOf(PHONE_NUMBERS);
    if (pinId === undefined || random.oneIn(5))
      return { ...common, kind: 'erase', phoneNumber: number };
    const kind = random.oneOf<OperationKind>(['verify', 'verify', 'cancel', 'resend']);
    const code = known?.codes.at(-1) ?? '000000';
    const fields = kind === 'verify' ? { code, reference: known?.reference } : {};
    return { ...common, kind, target, pinId, ...fields };
  }

  /** After a verify whose answer may be lost: the same again, or a code for the same verification. */
  private followLost(operation: ModelOperation): ModelOperation {
    const { random } = this;
    if (random.oneIn(2)) return this.repeat(operation);
    const code = random.oneIn(2) ? operation.code : wrongCode(operation.code ?? '000000');
    return { ...this.repeat(operation), code, key: undefined };
  }

  private changeRequest({ kind, code }: ModelOperation): Partial<ModelOperation> {
    if (kind === 'send') return { channel: 'voice', phoneNumber: this.random.oneOf(PHONE_NUMBERS) };
    return kind === 'verify' && code !== undefined ? { code: wrongCode(code) } : {};
  }

  private chooseVerify(
    client: string,
    phoneNumber: string,
  ): Partial<ModelOperation> & { client: string } {
    const { random } = this;
    const target = this.chooseTarget(client);
    const known = this.verifications.find(({ id }) => id === target.target);
    const newest = known?.codes.at(-1) ?? '000000';
    const right = random.oneIn(8) ? random.oneOf([newest, ...this.listOldCodes()]) : newest;
    const typed = random.oneIn(2) ? wrongCode(newest) : right;
    const code = random.oneIn(10) ? changeLength(typed) : typed;
    const reference = random.oneIn(9) ? random.oneOf(REFERENCES) : known?.reference;
    if (!random.oneIn(3)) return { ...target, code, reference };
    return {
      client: target.client,
      phoneNumber: known?.phoneNumber ?? phoneNumber,
      code,
      reference,
    };
  }

  /** Mostly the client's own verification; else a foreign, an unknown or a malformed one. */
  private chooseTarget(client: string): { client: string; target?: string; pinId: string } {
    const { random } = this;
    if (this.verifications.length === 0 || random.oneIn(40))
      return { client, pinId: 'not-a-pin-id!' };
    if (random.oneIn(40)) return { client, pinId: 'q8Jt1Xn0S2uYp4rVb6wLzA' };
    const { id, pinId, client: owner } = this.pickNewest(this.verifications);
    return { client: random.oneIn(12) ? client : owner, target: id, pinId };
  }

  private listOldCodes(): string[] {
    return this.verifications.slice(-6).flatMap(({ codes }) => codes);
  }

  /** One of the six newest. */
  private pickNewest<T>(items: readonly T[]): T {
    return this.random.oneOf(items.slice(-6));
  }

  private chooseFault(kind: OperationKind, isAlone: boolean): PlannedCallFault | undefined {
    const { random } = this;
    if (kind !== 'send' && kind !== 'resend' && kind !== 'verify') return undefined;
    if (!random.oneIn(5)) return undefined;
    const provider = random.oneOf(this.options.providers);
    const fault = random.oneOf(kind === 'verify' ? VERIFY_FAULTS : SEND_FAULTS);
    // The clock stands still while operations run at the same time.
    const statusFault = random.oneIn(2) ? random.oneOf(STATUS_FAULTS) : undefined;
    if (!isAlone || !random.oneIn(6)) return { provider, fault, statusFault };
    const advanceMs = random.between(1, kind === 'verify' ? 120 : 60) * 1_000;
    return { provider, fault: 'clock', advanceMs };
  }

  /** Letters only: the service replaces a request id that looks like a number. */
  private nextId(): string {
    this.count += 1;
    return `operation-${String(this.count).replace(/\d/g, (digit) => 'abcdefghij'.charAt(Number(digit)))}`;
  }
}

/** Makes a code of five digits: codes of Infobip have six here, and codes of Sinch four. */
const changeLength = (code: string): string => code.padEnd(5, '0').slice(0, 5);

/** The request of an operation, without its fault and without what was observed. */
function toOperation(operation: ModelOperation): ModelOperation {
  const { id, kind, client, replica, target, pinId, phoneNumber, code } = operation;
  const { reference, endUserIp, channel, key } = operation;
  const fields = { target, pinId, phoneNumber, code, reference, endUserIp, channel, key };
  return { id, kind, client, replica, ...fields };
}
