import { HttpService } from '@nestjs/axios';
import { Inject, Injectable } from '@nestjs/common';
import { AxiosError } from 'axios';
import type { RequestContext } from '../common/request-context.js';
import { providersConfig, type ProvidersConfig } from '../config/providers.config.js';
import type { CallOptions } from './otp-provider.js';
import type { ProviderResponse } from './provider-response.js';
import { ProviderError } from './provider-error.js';
import { RequestNotSentError } from './undici-adapter.js';

interface ProviderCall extends CallOptions {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON, as it goes over the wire. */
  readonly body: string | undefined;
  /** Gives the call up. */
  readonly signal?: AbortSignal | undefined;
}

/** One HTTP call to a vendor, with its deadline. Knows no vendor. */
@Injectable()
export class ProviderHttp {
  constructor(
    private readonly http: HttpService,
    @Inject(providersConfig.KEY) private readonly config: ProvidersConfig,
  ) {}

  /**
   * Asks once; nothing is tried again.
   * @throws ProviderError `connection_failed`, `timed_out` or `connection_lost`; an answer of any status is returned.
   */
  async ask({
    method,
    url,
    headers,
    body,
    timeoutMs,
    context,
    signal,
  }: ProviderCall): Promise<ProviderResponse> {
    try {
      const answer = await this.http.axiosRef.request<string>({
        method,
        url,
        headers: Object.assign(correlation(context), headers),
        timeout: timeoutMs ?? this.config.timeoutMs,
        ...(body !== undefined && { data: body }),
        ...(signal && { signal }),
      });
      return { status: answer.status, headers: answer.headers, body: parseJson(answer.data) };
    } catch (error) {
      // The error is not passed on as a cause: it holds the request, and so the number and the key.
      const { code = '' } = error as NodeJS.ErrnoException;
      const evidence = /^[A-Z][A-Z\d_]*$/.test(code) ? code : undefined;
      if (error instanceof RequestNotSentError)
        throw new ProviderError('connection_failed', { detail: evidence });
      if (code === AxiosError.ECONNABORTED) throw new ProviderError('timed_out');
      throw new ProviderError('connection_lost', { detail: evidence });
    }
  }
}

/** So that the vendor's own records of a call can be found by the request's. */
function correlation(context: RequestContext | undefined): Record<string, string> {
  if (!context) return {};
  const { requestId, traceparent } = context;
  return { 'x-request-id': requestId, ...(traceparent !== undefined && { traceparent }) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
