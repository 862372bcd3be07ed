import { HttpService } from '@nestjs/axios';
import { Inject, Injectable } from '@nestjs/common';
import { providersConfig, type ProvidersConfig } from '../../config/providers.config.js';
import { JSON_TYPE, ProviderHttpClient, type ProviderRequest } from '../provider-http-client.js';
import { createSignature } from './sinch.signature.js';

/** Makes HTTP requests to Sinch, signed with the secret of the application. */
@Injectable()
export class SinchClient extends ProviderHttpClient<'sinch'> {
  constructor(http: HttpService, @Inject(providersConfig.KEY) config: ProvidersConfig) {
    super('sinch', http, config);
  }

  protected createAuthHeaders({ method, url, body }: ProviderRequest): Record<string, string> {
    const [{ applicationKey, applicationSecret }] = this.account.applications;
    // Not `Clock`, which may differ from the wall clock: Sinch compares the time with its wall clock.
    const timestamp = new Date().toISOString();
    const { pathname: path } = new URL(url);
    const signature = createSignature(
      { method, path, contentType: JSON_TYPE, timestamp, body },
      applicationSecret,
    );
    return {
      authorization: `Application ${applicationKey}:${signature}`,
      'x-timestamp': timestamp,
    };
  }
}
