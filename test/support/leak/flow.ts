import type { Random } from '../crash/random.js';
import type { Caller } from './caller.js';
import { carelessCall } from './careless.js';
import type { Gossip } from './gossip.js';
import type { Secrets } from './secrets.js';

/** What all flows have in common. */
export interface World {
  readonly caller: Caller;
  readonly gossip: Gossip;
  readonly secrets: Secrets;
  /** Of the clients that the service knows. */
  readonly apiKeys: readonly string[];
}

/** The parts of a flow, in their order; between two of them a cooldown should pass. */
export const ACTS = ['begin', 'goOn', 'end'] as const;

export type Act = (typeof ACTS)[number];

/** What one user lives through, and the mistakes that callers make meanwhile. */
export class Flow {
  private readonly phoneNumber;
  private readonly reference;
  private readonly endUserIp;
  /** As a proxy saw it. */
  private readonly callerIp;
  private readonly idempotencyKey;
  private readonly apiKey;
  private pinId = 'none';

  constructor(
    private readonly world: World,
    private readonly random: Random,
  ) {
    const { secrets, apiKeys } = world;
    this.phoneNumber = secrets.number();
    this.reference = secrets.reference();
    this.endUserIp = secrets.address();
    this.callerIp = secrets.address();
    this.idempotencyKey = secrets.idempotencyKey();
    this.apiKey = random.oneOf(apiKeys);
  }

  /** Asks for a code, again, and again with another body. */
  async begin(): Promise<void> {
    const { phoneNumber, reference, endUserIp, idempotencyKey } = this;
    const body = { phoneNumber, reference, endUserIp };
    const key = { 'idempotency-key': idempotencyKey };
    const { pinId } = await this.post('/otp/send', body, key);
    if (pinId !== undefined) {
      this.pinId = pinId;
      this.world.secrets.noteHandle(pinId);
    }
    await this.post('/otp/send', body, key);
    await this.post('/otp/send', { ...body, channel: 'voice' }, key);
    await this.slip();
  }

  /** Has the code sent once more, and mistypes it. */
  async goOn(): Promise<void> {
    const { pinId, reference, world, random } = this;
    const channel = random.oneOf(['sms', 'voice']);
    if (random.oneIn(3)) await this.post('/otp/resend', { pinId, channel });
    const otpCode = world.secrets.code();
    await this.post('/otp/verify', { pinId, otpCode, reference });
    if (random.oneIn(3)) await this.post('/otp/verify', { pinId, otpCode });
    await this.slip();
  }

  /** Types the right code, twice, and is looked up, and forgotten. */
  async end(): Promise<void> {
    const { pinId, phoneNumber, reference, random } = this;
    const otpCode = this.code;
    const which = random.oneIn(4) ? { phoneNumber } : { pinId };
    const key = { 'idempotency-key': this.world.secrets.idempotencyKey() };
    await this.post('/otp/verify', { ...which, otpCode, reference }, key);
    await this.post('/otp/verify', { ...which, otpCode, reference }, key);
    const path = `/otp/${pinId}`;
    await this.world.caller.call({ method: 'GET', path, headers: this.own });
    await this.post('/otp/numbers/lookup', { phoneNumber });
    if (random.oneIn(4)) await this.post('/otp/numbers/erase', { phoneNumber });
    if (random.oneIn(4)) {
      await this.world.caller.call({ method: 'DELETE', path, headers: this.own });
    }
    await this.slip();
  }

  /** Shown with every request. */
  private get own() {
    return { authorization: `Bearer ${this.apiKey}`, 'x-forwarded-for': this.callerIp };
  }

  private get code(): string {
    return this.world.gossip.codeOf(this.phoneNumber) ?? this.world.secrets.code();
  }

  private post(path: string, body: object, headers: Record<string, string> = {}) {
    return this.world.caller.call({
      path,
      body,
      headers: { ...this.own, ...headers },
    });
  }

  private async slip(): Promise<void> {
    const { phoneNumber, reference, endUserIp, apiKey, idempotencyKey, random } = this;
    const secret = random.oneOf([
      phoneNumber,
      phoneNumber.slice(1),
      this.code,
      reference,
      endUserIp,
      apiKey,
      idempotencyKey,
    ]);
    const shown = { ...this.own, 'idempotency-key': idempotencyKey };
    await this.world.caller.call(carelessCall(secret, shown, random));
    if (random.oneIn(20)) await this.world.caller.shout(`GET /otp/${secret} for ${apiKey}`);
  }
}
