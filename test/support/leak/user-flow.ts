import type { SeededRandom } from '../seeded-random.js';
import type { RecordingClient } from './recording-client.js';
import { createInvalidRequest } from './invalid-requests.js';
import type { LeakyProvider } from './leaky-provider.js';
import type { SecretFactory } from './secret-factory.js';

/** What all flows have in common. */
export interface Scenario {
  readonly caller: RecordingClient;
  readonly gossip: LeakyProvider;
  readonly secrets: SecretFactory;
  /** Of the clients that the service knows. */
  readonly apiKeys: readonly string[];
}

/** The parts of a flow, in their order; between two of them a cooldown should pass. */
export const STEPS = ['begin', 'goOn', 'end'] as const;

export type Step = (typeof STEPS)[number];

/** What one user lives through, and the mistakes that callers make meanwhile. */
export class UserFlow {
  private readonly phoneNumber;
  private readonly reference;
  private readonly endUserIp;
  /** As a proxy saw it. */
  private readonly callerIp;
  private readonly idempotencyKey;
  private readonly apiKey;
  private pinId = 'none';

  constructor(
    private readonly world: Scenario,
    private readonly random: SeededRandom,
  ) {
    const { secrets, apiKeys } = world;
    this.phoneNumber = secrets.createPhoneNumber();
    this.reference = secrets.createReference();
    this.endUserIp = secrets.createIpAddress();
    this.callerIp = secrets.createIpAddress();
    this.idempotencyKey = secrets.createIdempotencyKey();
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
      this.world.secrets.registerPinId(pinId);
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
    const otpCode = world.secrets.createCode();
    await this.post('/otp/verify', { pinId, otpCode, reference });
    if (random.oneIn(3)) await this.post('/otp/verify', { pinId, otpCode });
    await this.slip();
  }

  /** Types the right code, twice, and is looked up, and forgotten. */
  async end(): Promise<void> {
    const { pinId, phoneNumber, reference, random } = this;
    const otpCode = this.code;
    const which = random.oneIn(4) ? { phoneNumber } : { pinId };
    const key = { 'idempotency-key': this.world.secrets.createIdempotencyKey() };
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
    return this.world.gossip.codeOf(this.phoneNumber) ?? this.world.secrets.createCode();
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
    await this.world.caller.call(createInvalidRequest(secret, shown, random));
    if (random.oneIn(20)) await this.world.caller.sendRaw(`GET /otp/${secret} for ${apiKey}`);
  }
}
