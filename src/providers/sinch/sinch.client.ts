import { Inject, Injectable } from '@nestjs/common';
import {
  getProviderAccount,
  providersConfig,
  type ProvidersConfig,
} from '../../config/providers.config.js';
import type { CallOptions } from '../otp-provider.js';
import type { ProviderResponse } from '../provider-response.js';
import { ProviderHttp } from '../provider-http.js';
import { createSignature } from './sinch.signature.js';

const CONTENT_TYPE = 'application/json';

interface Options extends CallOptions {
  readonly body?: object;
  readonly signal?: AbortSignal | undefined;
}

/** Speaks to Sinch: address and signature. Knows nothing of codes. */
@Injectable()
export class SinchClient {
  constructor(
    private readonly http: ProviderHttp,
    @Inject(providersConfig.KEY) private readonly config: ProvidersConfig,
  ) {}

  /**
   * Posts JSON to a path below the base URL.
   * @throws ProviderError `connection_failed`, `timed_out` or `connection_lost`; an answer of any status is returned.
   */
  post(path: string, body: object, terms?: CallOptions): Promise<ProviderResponse> {
    return this.request('POST', path, { body, ...terms });
  }

  /** As {@link post}, and puts. */
  put(path: string, body: object, terms?: CallOptions): Promise<ProviderResponse> {
    return this.request('PUT', path, { body, ...terms });
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
    { body: fields, ...terms }: Options,
  ): Promise<ProviderResponse> {
    const { baseUrl, applicationKey, applicationSecret } = getProviderAccount('sinch', this.config);
    const url = baseUrl + path;
    const body = fields && JSON.stringify(fields);
    // Of the machine, not of the records: it is compared with the time at the vendor's.
    const timestamp = new Date().toISOString();
    const signature = createSignature(
      { method, path: new URL(url).pathname, contentType: CONTENT_TYPE, timestamp, body },
      applicationSecret,
    );
    return this.http.ask({
      method,
      url,
      headers: {
        authorization: `Application ${applicationKey}:${signature}`,
        'x-timestamp': timestamp,
        'content-type': CONTENT_TYPE,
        accept: CONTENT_TYPE,
      },
      body,
      ...terms,
    });
  }
}
