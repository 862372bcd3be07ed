import { HttpService } from '@nestjs/axios';
import { Inject, Injectable } from '@nestjs/common';
import {
  getProviderAccount,
  providersConfig,
  type ProvidersConfig,
} from '../../config/providers.config.js';
import { ProviderHttpClient } from '../provider-http-client.js';

/** The wire to Infobip: base URL and API key. Knows nothing of PINs. */
@Injectable()
export class InfobipClient extends ProviderHttpClient {
  constructor(
    http: HttpService,
    @Inject(providersConfig.KEY) private readonly config: ProvidersConfig,
  ) {
    super(http, config.timeoutMs);
  }

  protected get baseUrl(): string {
    return getProviderAccount('infobip', this.config).baseUrl;
  }

  protected createAuthHeaders(): Record<string, string> {
    return { authorization: `App ${getProviderAccount('infobip', this.config).apiKey}` };
  }
}
