import { HttpService } from '@nestjs/axios';
import { Injectable } from '@nestjs/common';
import { AppConfig } from '../../config/app-config.js';
import { ProviderError } from '../provider-error.js';

/** An HTTP answer, whatever its status. `body` is parsed JSON, or the text that was none. */
export interface InfobipAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: unknown;
}

/** With these, no connection came about: nothing was asked, and nothing can have been sent. */
const NEVER_CONNECTED = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EPROTO',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

/** Speaks HTTP to Infobip: address, credentials, deadline. Knows nothing of PINs. */
@Injectable()
export class InfobipClient {
  constructor(
    private readonly http: HttpService,
    private readonly config: AppConfig,
  ) {}

  /**
   * Posts JSON to a path below the account's base URL.
   * @throws ProviderError `unavailable`, `timed_out` or `connection_lost`; an answer of any status is returned.
   */
  post(path: string, body: object): Promise<InfobipAnswer> {
    return this.request('post', path, { body });
  }

  /** As {@link post}, and puts. */
  put(path: string, body: object): Promise<InfobipAnswer> {
    return this.request('put', path, { body });
  }

  /**
   * As {@link post}, and reads.
   * @param signal gives the call up.
   */
  get(path: string, signal?: AbortSignal): Promise<InfobipAnswer> {
    return this.request('get', path, { signal });
  }

  private async request(
    method: 'get' | 'post' | 'put',
    path: string,
    { body, signal }: { body?: object; signal?: AbortSignal | undefined },
  ): Promise<InfobipAnswer> {
    const { baseUrl, apiKey } = this.config.infobip;
    const deadline = AbortSignal.timeout(this.config.providerTimeoutMs);
    try {
      const { status, headers, data } = await this.http.axiosRef.request<string>({
        method,
        url: baseUrl + path,
        ...(body && { data: JSON.stringify(body) }),
        headers: {
          authorization: `App ${apiKey}`,
          'content-type': 'application/json',
          accept: 'application/json',
        },
        signal: signal ? AbortSignal.any([deadline, signal]) : deadline,
      });
      return { status, headers, body: parseJson(data) };
    } catch (error) {
      // The error is not passed on as a cause: it holds the request, and so the number and the key.
      if (deadline.aborted) throw new ProviderError('timed_out');
      const code = (error as NodeJS.ErrnoException).code ?? '';
      throw new ProviderError(NEVER_CONNECTED.has(code) ? 'unavailable' : 'connection_lost', {
        evidence: /^[A-Z_]+$/.test(code) ? code : undefined,
      });
    }
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
