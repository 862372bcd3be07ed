import type { HttpService } from '@nestjs/axios';
import { AxiosError } from 'axios';
import type { ProviderName } from '../common/provider-name.js';
import type { RequestContext } from '../common/request-context.js';
import { getProviderAccount, type ProvidersConfig } from '../config/providers.config.js';
import type { ProviderCallOptions } from './otp-provider.js';
import { ProviderError } from './provider-error.js';
import type { ProviderResponse } from './provider-response.js';
import { RequestNotSentError } from './undici-adapter.js';

export const JSON_TYPE = 'application/json';
const NODE_ERROR_CODE = /^[A-Z][A-Z\d_]*$/;

/** A request as it is sent; the body is JSON. */
export interface ProviderRequest {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly url: string;
  readonly body: string | undefined;
}

interface ProviderRequestOptions extends ProviderCallOptions {
  /** Further headers, in lower case. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/**
 * Calls a provider's JSON API over HttpService, without retries. A subclass adds the credentials.
 * A response of any status is returned; without one, a call throws ProviderError
 * `connection_failed`, `timed_out` or `connection_lost`.
 */
export abstract class ProviderHttpClient<P extends ProviderName> {
  constructor(
    private readonly provider: P,
    private readonly http: HttpService,
    private readonly config: ProvidersConfig,
  ) {}

  /** The configured account. @throws Error if `PROVIDERS` does not name the provider. */
  get account(): NonNullable<ProvidersConfig[P]> {
    return getProviderAccount(this.provider, this.config);
  }

  /** The headers that authenticate this request. */
  protected abstract createAuthHeaders(request: ProviderRequest): Record<string, string>;

  get(path: string, options?: ProviderCallOptions): Promise<ProviderResponse> {
    return this.request('GET', path, undefined, options);
  }

  post(path: string, body: object, options?: ProviderRequestOptions): Promise<ProviderResponse> {
    return this.request('POST', path, body, options);
  }

  put(path: string, body: object, options?: ProviderCallOptions): Promise<ProviderResponse> {
    return this.request('PUT', path, body, options);
  }

  private async request(
    method: ProviderRequest['method'],
    path: string,
    json: object | undefined,
    { timeoutMs = this.config.timeoutMs, context, signal, headers }: ProviderRequestOptions = {},
  ): Promise<ProviderResponse> {
    const body = json && JSON.stringify(json);
    const url = this.account.baseUrl + path;
    const contentHeaders = {
      'content-type': JSON_TYPE,
      accept: JSON_TYPE,
      // Without this header, a server may compress the response (RFC 9110 §12.5.3).
      'accept-encoding': 'identity',
    };
    const authHeaders = this.createAuthHeaders({ method, url, body });
    try {
      // The Observable of HttpService.request() with its cancel token costs 15 µs more CPU a call.
      const response = await this.http.axiosRef.request<string>({
        method,
        url,
        headers: Object.assign(createTraceHeaders(context), authHeaders, contentHeaders, headers),
        timeout: timeoutMs,
        ...(body !== undefined && { data: body }),
        ...(signal && { signal }),
      });
      return { status: response.status, headers: response.headers, body: parseJson(response.data) };
    } catch (error) {
      throw toProviderError(error as NodeJS.ErrnoException);
    }
  }
}

/** Drops the original error: it contains the request, with the phone number and the API key. */
function toProviderError(error: NodeJS.ErrnoException): ProviderError {
  const { code = '' } = error;
  const detail = NODE_ERROR_CODE.test(code) ? code : undefined;
  if (error instanceof RequestNotSentError)
    return new ProviderError('connection_failed', { detail });
  if (code === AxiosError.ECONNABORTED) return new ProviderError('timed_out');
  return new ProviderError('connection_lost', { detail });
}

/**
 * No `traceparent`: it would show the provider which of its calls belong to one trace of the client. The
 * request ID is enough to find a call in the provider's log.
 */
const createTraceHeaders = (context: RequestContext | undefined): Record<string, string> =>
  context ? { 'x-request-id': context.requestId } : {};

function parseJson(text: string): unknown {
  try {
    // RFC 8259 §8.1: a parser may ignore a byte order mark.
    return JSON.parse(text.startsWith('\uFEFF') ? text.slice(1) : text);
  } catch {
    return text;
  }
}
