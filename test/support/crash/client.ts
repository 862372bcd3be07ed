import { EventEmitter } from 'node:events';
import type { Call, CallResponse, History, ResponseBody } from './history.js';

type CallRequest = Pick<Call, 'operation' | 'phoneNumber' | 'pinId' | 'code' | 'key'>;

/**
 * Calls the service and records each call in the history. Emits `ended` after each call. A call
 * returns `undefined` if its connection broke.
 */
export class Client extends EventEmitter<{ ended: [] }> {
  constructor(
    private readonly url: string,
    private readonly history: History,
  ) {
    super();
  }

  send(phoneNumber: string, key?: string): Promise<CallResponse | undefined> {
    const fields = { phoneNumber, pinId: undefined, code: undefined, key };
    return this.call({ operation: 'send', ...fields }, { phoneNumber });
  }

  resend(phoneNumber: string, pinId: string, key?: string): Promise<CallResponse | undefined> {
    const fields = { phoneNumber, pinId, code: undefined, key };
    return this.call({ operation: 'resend', ...fields }, { pinId });
  }

  /** @param pinId `undefined` selects the verification by its phone number. */
  verify(
    phoneNumber: string,
    pinId: string | undefined,
    code: string,
    key?: string,
  ): Promise<CallResponse | undefined> {
    const selector = pinId === undefined ? { phoneNumber } : { pinId };
    const fields = { phoneNumber, pinId, code, key };
    return this.call({ operation: 'verify', ...fields }, { ...selector, otpCode: code });
  }

  private async call(request: CallRequest, body: object): Promise<CallResponse | undefined> {
    const startedAt = Date.now();
    const response = await this.post(request, body).catch(() => undefined);
    this.history.calls.push({ ...request, startedAt, endedAt: Date.now(), response });
    this.emit('ended');
    return response;
  }

  private async post({ operation, key }: CallRequest, body: object): Promise<CallResponse> {
    const response = await fetch(`${this.url}/otp/${operation}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(key !== undefined && { 'idempotency-key': key }),
      },
      body: JSON.stringify(body),
    });
    return {
      status: response.status,
      replayed: response.headers.get('idempotency-replayed') === 'true',
      body: (await response.json()) as ResponseBody,
    };
  }
}
