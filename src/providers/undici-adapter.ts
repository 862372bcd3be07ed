import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';
import axios, {
  AxiosError,
  AxiosHeaders,
  CanceledError,
  type AxiosAdapter,
  type AxiosInstance,
  type AxiosResponse,
  type InternalAxiosRequestConfig,
} from 'axios';
import type { Dispatcher } from 'undici';

/**
 * Limit of a response body. provider-dispatcher.ts applies it to the received bytes, `decode` to
 * the decompressed ones. Infobip's lists have no pages: a thousand applications are about 300 KB.
 */
export const MAX_RESPONSE_BYTES = 4 * 1024 * 1024;

/** Content codings (RFC 9110 §8.4.1). */
const DECODERS: Readonly<Record<string, typeof gunzipSync>> = {
  gzip: gunzipSync,
  'x-gzip': gunzipSync,
  deflate: inflateSync,
  br: brotliDecompressSync,
};

/** A request failed before any byte of it was written, so the server has not received it. */
export class RequestNotSentError extends Error {
  override readonly name = 'RequestNotSentError';

  /** @param code of the underlying error. */
  constructor(readonly code: string | undefined) {
    super(code);
  }
}

/**
 * Lets axios send by undici instead of Node's own client: measured, stock axios costs 3 to 4 times
 * the CPU. Bodies are strings, and a response of any status is returned. `timeout` runs from the
 * call, connecting included, to the last byte. An error before the first written byte is a
 * {@link RequestNotSentError}. The `code` of an error after a timeout is `ETIMEDOUT` while connecting and
 * `ECONNABORTED` later; after `signal` aborts, `ERR_CANCELED`. Other codes are undici's or Node's.
 */
function undiciAdapter(dispatcher: Dispatcher): AxiosAdapter {
  return (config) =>
    new Promise<AxiosResponse<string>>((resolve, reject) => {
      const exchange = new UndiciExchange(config, resolve, reject);
      const { origin, pathname, search } = new URL(config.url ?? '');
      dispatcher.dispatch(
        {
          origin,
          path: pathname + search,
          method: (config.method ?? 'get').toUpperCase(),
          // A plain object: undici would read AxiosHeaders by their iterator, which copies them.
          headers: Object.assign<Record<string, string>, object>({}, config.headers),
          body: (config.data ?? null) as string | null,
        },
        exchange,
      );
    });
}

/**
 * An axios instance over undici. It follows no redirect, which would send the key and the number to
 * another host. The defaults of axios are deleted, because merging them into every request costs time.
 * Without them, bodies are not transformed.
 */
export function createUndiciAxios(dispatcher: Dispatcher): AxiosInstance {
  const instance = axios.create();
  for (const name of Object.keys(instance.defaults)) {
    Reflect.deleteProperty(instance.defaults, name);
  }
  instance.defaults.adapter = undiciAdapter(dispatcher);
  return instance;
}

/**
 * One request and its response. A promise settles only once, so later calls of `resolve` and
 * `reject` have no effect.
 */
class UndiciExchange implements Dispatcher.DispatchHandler {
  private readonly chunks: Buffer[] = [];
  private readonly timer: NodeJS.Timeout | undefined;
  private controller: Dispatcher.DispatchController | undefined;
  private abortReason: Error | undefined;
  private response: AxiosResponse<string> | undefined;

  constructor(
    private readonly config: InternalAxiosRequestConfig,
    private readonly resolve: (response: AxiosResponse<string>) => void,
    private readonly reject: (error: Error) => void,
  ) {
    const { timeout, signal } = config;
    // Unlike in axios, 0 or less means that the deadline has passed.
    if (timeout !== undefined) {
      this.timer = setTimeout(
        () => {
          const { ECONNABORTED, ETIMEDOUT } = AxiosError;
          const code = this.controller ? ECONNABORTED : ETIMEDOUT;
          this.abort(new AxiosError('timeout', code, config));
        },
        Math.max(0, timeout),
      );
    }
    signal?.addEventListener?.('abort', this.cancel);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    // The request timed out or was cancelled while it waited for a connection: write nothing.
    if (this.abortReason) controller.abort(this.abortReason);
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
    statusText = '',
  ): void {
    // An interim response (RFC 9110 §15.2) is overwritten by the final one.
    const { config } = this;
    this.response = {
      status,
      statusText,
      // Assigned as undici parsed them: axios' own setter compares each name with all others.
      headers: Object.assign(new AxiosHeaders(), headers),
      config,
      data: '',
    };
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.chunks.push(chunk);
  }

  onResponseEnd(): void {
    this.stopWaiting();
    if (!this.response) return;
    const encoding = this.response.headers['content-encoding'] as string | string[] | undefined;
    const body = Buffer.concat(this.chunks);
    this.response.data = encoding === undefined ? body.toString() : decode(body, encoding);
    this.resolve(this.response);
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.fail(error);
  }

  private readonly cancel = (): void => {
    this.abort(new CanceledError(undefined, this.config));
  };

  /** A request that waits for a connection has no controller yet; onRequestStart aborts it. */
  private abort(error: Error): void {
    this.abortReason = error;
    this.controller?.abort(error);
    this.fail(error);
  }

  /** The controller exists once a connection does, right before the first byte is written. */
  private fail(error: NodeJS.ErrnoException): void {
    this.stopWaiting();
    this.reject(this.controller ? error : new RequestNotSentError(error.code));
  }

  private stopWaiting(): void {
    clearTimeout(this.timer);
    this.config.signal?.removeEventListener?.('abort', this.cancel);
  }
}

/**
 * The text of a body that a server or a proxy in between compressed unasked. Empty if it cannot be
 * decoded: such a response is invalid, but its status still tells what happened.
 */
function decode(body: Buffer, encoding: string | string[]): string {
  try {
    return String(encoding)
      .toLowerCase()
      .split(',')
      .map((coding) => coding.trim())
      .filter((coding) => coding !== 'identity')
      .reduceRight((bytes, coding) => {
        const decodeBytes = DECODERS[coding];
        if (!decodeBytes) throw new Error('unknown content coding');
        return decodeBytes(bytes, { maxOutputLength: MAX_RESPONSE_BYTES });
      }, body)
      .toString();
  } catch {
    return '';
  }
}
