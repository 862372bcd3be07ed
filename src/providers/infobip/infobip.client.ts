import { HttpService } from '@nestjs/axios';
import { Inject, Injectable } from '@nestjs/common';
import { providersConfig, type ProvidersConfig } from '../../config/providers.config.js';
import { ProviderHttpClient } from '../provider-http-client.js';

/** Makes HTTP requests to Infobip, with the base URL and API key of the account. */
@Injectable()
export class InfobipClient extends ProviderHttpClient<'infobip'> {
  constructor(http: HttpService, @Inject(providersConfig.KEY) config: ProvidersConfig) {
    super('infobip', http, config);
  }

  protected createAuthHeaders(): Record<string, string> {
    return { authorization: `App ${this.account.apiKey}` };
  }
}
