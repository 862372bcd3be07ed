import { EventEmitter } from 'node:events';
import type { CallResponse, ResponseBody, Call, History } from './history.js';

type Asked = Pick<Call, 'operation' | 'phoneNumber' | 'pinId' | 'code' | 'key'>;

/** Calls the service, and writes each call into the history. `ended` follows on each of them. */
export class Client extends EventEmitter<{ ended: [] }> {
  constructor(
    private readonly url: string,
    private readonly history: History,
  ) {
    super();
  }

  send(phoneNumber: string, key?: string): Promise<CallResponse | undefined> {
    const asked = { phoneNumber, pinId: undefined, code: undefined, key };
    return this.ask({ operation: 'send', ...asked }, { phoneNumber });
  }

  resend(phoneNumber: string, pinId: string, key?: string): Promise<CallResponse | undefined> {
    const asked = { phoneNumber, pinId, code: undefined, key };
    return this.ask({ operation: 'resend', ...asked }, { pinId });
  }

  /** @param pinId `undefined` names the verification by its number. */
  verify(
    phoneNumber: string,
    pinId: string | undefined,
    code: string,
    key?: string,
  ): Promise<CallResponse | undefined> {
    const which = pinId === undefined ? { phoneNumber } : { pinId };
    const asked = { phoneNumber, pinId, code, key };
    return this.ask({ operation: 'verify', ...asked }, { ...which, otpCode: code });
  }

  private async ask(asked: Asked, body: object): Promise<CallResponse | undefined> {
    const startedAt = Date.now();
    const response = await this.post(asked, body).catch(() => undefined);
    this.history.calls.push({ ...asked, startedAt, endedAt: Date.now(), response });
    this.emit('ended');
    return response;
  }

  private async post({ operation, key }: Asked, body: object): Promise<CallResponse> {
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
