import { Inject, Injectable } from '@nestjs/common';
import {
  getProviderAccount,
  providersConfig,
  type ProvidersConfig,
} from '../../config/providers.config.js';
import type { CallOptions } from '../otp-provider.js';
import type { ProviderResponse } from '../provider-response.js';
import { ProviderHttp } from '../provider-http.js';

interface Options extends CallOptions {
  readonly body?: object;
  readonly signal?: AbortSignal | undefined;
}

/** Speaks to Infobip: address and credentials. Knows nothing of PINs. */
@Injectable()
export class InfobipClient {
  constructor(
    private readonly http: ProviderHttp,
    @Inject(providersConfig.KEY) private readonly config: ProvidersConfig,
  ) {}

  /**
   * Posts JSON to a path below the account's base URL.
   * @throws ProviderError `connection_failed`, `timed_out` or `connection_lost`; an answer of any status is returned.
   */
  post(path: string, body: object, terms?: CallOptions): Promise<ProviderResponse> {
    return this.request('POST', path, { body, ...terms });
  }

  /** As {@link post}, and puts. */
  put(path: string, body: object): Promise<ProviderResponse> {
    return this.request('PUT', path, { body });
  }

  /**
   * As {@link post}, and reads.
   * @param signal gives the call up.
   */
  get(path: string, signal?: AbortSignal): Promise<ProviderResponse> {
    return this.request('GET', path, { signal });
  }

  private request(
    method: 'GET' | 'POST' | 'PUT',
    path: string,
    { body, ...terms }: Options,
  ): Promise<ProviderResponse> {
    const { baseUrl, apiKey } = getProviderAccount('infobip', this.config);
    return this.http.ask({
      method,
      url: baseUrl + path,
      headers: {
        authorization: `App ${apiKey}`,
        'content-type': 'application/json',
        accept: 'application/json',
      },
      body: body && JSON.stringify(body),
      ...terms,
    });
  }
}
