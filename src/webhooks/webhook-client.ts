import { Inject, Injectable } from '@nestjs/common';
import type { Dispatcher } from 'undici';
import { Clock } from '../common/clock.js';
import { seconds } from '../common/durations.js';
import { VERSION } from '../common/version.js';
import { webhooksConfig, type WebhooksConfig } from '../config/webhooks.config.js';
import { signWebhook } from './webhook-signature.js';

/** Time limit of one try, including the connection. */
export const POST_TIMEOUT_MS = seconds(10);

/** Only the status matters. A short body is read, so that the connection can be reused. */
const MAX_READ_BYTES = 4 * 1024;

/** Injection token of the undici dispatcher for the receiver. */
export const RECEIVER_DISPATCHER = Symbol('RECEIVER_DISPATCHER');

/** Why an event was not accepted: a code for the log, without the address of the receiver. */
export class WebhookError extends Error {
  override readonly name = 'WebhookError';
}

/** Posts events to the receiver, signed as Standard Webhooks specifies. */
@Injectable()
export class WebhookClient {
  /** Only tests change this time. */
  timeoutMs = POST_TIMEOUT_MS;

  constructor(
    @Inject(RECEIVER_DISPATCHER) private readonly dispatcher: Dispatcher,
    @Inject(webhooksConfig.KEY) private readonly config: WebhooksConfig,
    private readonly clock: Clock,
  ) {}

  /**
   * Resolves once the receiver answers with a status of 2xx. A redirect is not followed: it would
   * send the event to a host that no setting names.
   * @param stop ends the try early, with the error `timeout`
   * @throws WebhookError such as `status_500`, `timeout`, or the code of a connection error
   */
  async post(id: string, body: string, stop: AbortSignal): Promise<void> {
    const { url, secrets } = this.config.receiver ?? { url: '', secrets: [] };
    const timestamp = Math.floor(this.clock.toDate(this.clock.now()).getTime() / seconds(1));
    const headers = {
      'content-type': 'application/json',
      'user-agent': `otp-service/${VERSION}`,
      'webhook-id': id,
      'webhook-timestamp': String(timestamp),
      'webhook-signature': signWebhook(secrets, id, timestamp, body),
    };
    const { origin, pathname, search } = new URL(url);
    const request = { origin, path: pathname + search, method: 'POST', headers, body } as const;
    const status = await new Promise<number>((resolve, reject) => {
      const reader = new StatusReader(stop, this.timeoutMs, resolve, reject);
      this.dispatcher.dispatch(request, reader);
    });
    if (status < 200 || status > 299) throw new WebhookError(`status_${String(status)}`);
  }

  /** Closes the connections. */
  close(): Promise<void> {
    return this.dispatcher.destroy();
  }
}

/** Reads the status of a response, and a short body to its end. */
class StatusReader implements Dispatcher.DispatchHandler {
  private controller: Dispatcher.DispatchController | undefined;
  private abortReason: Error | undefined;
  private readBytes = 0;
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly stop: AbortSignal,
    timeoutMs: number,
    private readonly resolve: (status: number) => void,
    private readonly reject: (error: Error) => void,
  ) {
    this.timer = setTimeout(this.abort, timeoutMs);
    stop.addEventListener('abort', this.abort);
    if (stop.aborted) this.abort();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    if (this.abortReason) controller.abort(this.abortReason);
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number): void {
    // Ignores an interim response (RFC 9110 §15.2).
    if (status >= 200) this.resolve(status);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.readBytes += chunk.length;
    if (this.readBytes > MAX_READ_BYTES) controller.abort(new WebhookError('body_too_long'));
  }

  onResponseEnd(): void {
    this.stopWaiting();
  }

  /** Changes nothing if the promise was already resolved with a status. */
  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.stopWaiting();
    const { code } = error as NodeJS.ErrnoException;
    this.reject(error instanceof WebhookError ? error : new WebhookError(code ?? 'no_response'));
  }

  /** A request that waits for a connection has no controller yet; onRequestStart aborts it. */
  private readonly abort = (): void => {
    this.abortReason = new WebhookError('timeout');
    this.controller?.abort(this.abortReason);
    this.stopWaiting();
    this.reject(this.abortReason);
  };

  private stopWaiting(): void {
    clearTimeout(this.timer);
    this.stop.removeEventListener('abort', this.abort);
  }
}
