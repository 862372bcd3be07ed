import type { SeededRandom } from '../seeded-random.js';
import type { RecordingClient } from './recording-client.js';
import { createInvalidRequest } from './invalid-requests.js';
import type { LeakyProvider } from './leaky-provider.js';
import type { SecretFactory } from './secret-factory.js';

/** What all flows share. */
export interface FlowContext {
  readonly client: RecordingClient;
  readonly provider: LeakyProvider;
  readonly secrets: SecretFactory;
  /** The keys of the service's clients. */
  readonly apiKeys: readonly string[];
  /** The token by which the service recognizes Infobip's delivery reports. */
  readonly reportToken: string;
}

/** The steps of a flow, in order. Between two steps the send cooldown should pass. */
export const STEPS = ['requestCode', 'submitWrongCode', 'submitRightCode'] as const;

export type Step = (typeof STEPS)[number];

/** The requests for one end user, with a client's mistakes among them. */
export class UserFlow {
  private readonly phoneNumber;
  private readonly reference;
  private readonly eventReference;
  private readonly endUserIp;
  /** The client's address in `X-Forwarded-For`. */
  private readonly clientIp;
  private readonly idempotencyKey;
  private readonly apiKey;
  private pinId = 'none';

  constructor(
    private readonly context: FlowContext,
    private readonly random: SeededRandom,
  ) {
    const { secrets, apiKeys } = context;
    this.phoneNumber = secrets.createPhoneNumber();
    this.reference = secrets.createReference();
    this.eventReference = secrets.createReference();
    this.endUserIp = secrets.createIpAddress();
    this.clientIp = secrets.createIpAddress();
    this.idempotencyKey = secrets.createIdempotencyKey();
    this.apiKey = random.oneOf(apiKeys);
  }

  /** Sends a code, repeats the request, and repeats it with a different body. */
  async requestCode(): Promise<void> {
    const { phoneNumber, reference, endUserIp, idempotencyKey } = this;
    const body = { phoneNumber, reference, endUserIp, eventReference: this.eventReference };
    const key = { 'idempotency-key': idempotencyKey };
    const { pinId } = await this.post('/otp/send', body, key);
    if (pinId !== undefined) {
      this.pinId = pinId;
      this.context.secrets.registerPinId(pinId);
    }
    await this.post('/otp/send', body, key);
    await this.post('/otp/send', { ...body, channel: 'voice' }, key);
    await this.sendInvalidRequest();
  }

  /** Submits a wrong code; sometimes resends the right one before. */
  async submitWrongCode(): Promise<void> {
    const { pinId, reference, context, random } = this;
    const channel = random.oneOf(['sms', 'voice']);
    if (random.oneIn(3)) await this.post('/otp/resend', { pinId, channel });
    const otpCode = context.secrets.createCode();
    await this.post('/otp/verify', { pinId, otpCode, reference });
    if (random.oneIn(3)) await this.post('/otp/verify', { pinId, otpCode });
    await this.sendInvalidRequest();
  }

  /** Submits the right code twice, looks the number up, and sometimes erases it. */
  async submitRightCode(): Promise<void> {
    const { pinId, phoneNumber, reference, random } = this;
    const otpCode = this.code;
    const selector = random.oneIn(4) ? { phoneNumber } : { pinId };
    const key = { 'idempotency-key': this.context.secrets.createIdempotencyKey() };
    const body = { ...selector, otpCode, reference, proofFor: 'orders' };
    const { proof } = await this.post('/otp/verify', body, key);
    if (proof !== undefined) this.context.secrets.registerProof(proof);
    await this.post('/otp/verify', body, key);
    const path = `/otp/${pinId}`;
    await this.context.client.call({ method: 'GET', path, headers: this.headers });
    await this.post('/otp/numbers/lookup', { phoneNumber });
    await this.reportDelivery();
    if (random.oneIn(4)) await this.post('/otp/numbers/erase', { phoneNumber });
    if (random.oneIn(4)) {
      await this.context.client.call({ method: 'DELETE', path, headers: this.headers });
    }
    await this.sendInvalidRequest();
  }

  /** Sends reports of both providers. Only the first is authentic, and all contain secrets. */
  private async reportDelivery(): Promise<void> {
    const { phoneNumber: to, reference: messageId, context, clientIp, apiKey } = this;
    const status = { groupId: 5, groupName: to, id: 20, name: messageId, description: to };
    const report = { results: [{ messageId, to, status, callbackData: messageId }] };
    const event = { id: messageId, event: to, method: to, identity: { endpoint: to } };
    for (const [provider, body, headers] of [
      ['infobip', report, { 'x-delivery-token': context.reportToken }],
      ['infobip', report, { 'x-delivery-token': apiKey }],
      ['sinch', event, { authorization: `Application ${apiKey}:${this.idempotencyKey}` }],
    ] as const) {
      const path = `/provider-reports/${provider}`;
      const allHeaders = { 'x-forwarded-for': clientIp, ...headers };
      await context.client.call({ path, body, headers: allHeaders });
    }
  }

  /** The headers of every request. */
  private get headers() {
    return { authorization: `Bearer ${this.apiKey}`, 'x-forwarded-for': this.clientIp };
  }

  /** The code that the provider sent, or a wrong one if none was sent. */
  private get code(): string {
    return this.context.provider.getCode(this.phoneNumber) ?? this.context.secrets.createCode();
  }

  private post(path: string, body: object, headers: Record<string, string> = {}) {
    return this.context.client.call({
      path,
      body,
      headers: { ...this.headers, ...headers },
    });
  }

  /** Sends an invalid request that contains one of this flow's secrets. */
  private async sendInvalidRequest(): Promise<void> {
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
    const headers = { ...this.headers, 'idempotency-key': idempotencyKey };
    await this.context.client.call(createInvalidRequest(secret, headers, random));
    if (random.oneIn(20)) await this.context.client.sendRaw(`GET /otp/${secret} for ${apiKey}`);
  }
}
