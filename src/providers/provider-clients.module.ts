import { HttpService } from '@nestjs/axios';
import { Module } from '@nestjs/common';
import { outboundConfig, type OutboundConfig } from '../config/outbound.config.js';
import { providersConfig, type ProvidersConfig } from '../config/providers.config.js';
import { AccountCheck } from './account-check.js';
import { AccountSetup } from './account-setup.js';
import { InfobipAccountApi } from './infobip/infobip.account-api.js';
import { InfobipAccountCheck } from './infobip/infobip.account-check.js';
import { InfobipClient } from './infobip/infobip.client.js';
import { InfobipRequiredLimits } from './infobip/infobip.required-limits.js';
import { InfobipSetup } from './infobip/infobip.setup.js';
import { createProviderDispatcher } from './provider-dispatcher.js';
import { SinchAccountCheck } from './sinch/sinch.account-check.js';
import { SinchClient } from './sinch/sinch.client.js';
import { createUndiciAxios } from './undici-adapter.js';

/** The HTTP clients of the providers' APIs, and the check and set-up of the accounts. Sends no messages. */
@Module({
  providers: [
    {
      provide: HttpService,
      inject: [providersConfig.KEY, outboundConfig.KEY],
      useFactory: async (providers: ProvidersConfig, outbound: OutboundConfig) =>
        new HttpService(createUndiciAxios(await createProviderDispatcher(providers, outbound))),
    },
    InfobipClient,
    InfobipRequiredLimits,
    InfobipAccountApi,
    InfobipAccountCheck,
    SinchClient,
    SinchAccountCheck,
    {
      provide: AccountCheck,
      inject: [providersConfig.KEY, InfobipAccountCheck, SinchAccountCheck],
      useFactory: ({ names }: ProvidersConfig, infobip: AccountCheck, sinch: AccountCheck) => {
        const checks = { infobip, sinch };
        return {
          check: async (signal) =>
            (await Promise.all(names.map((name) => checks[name].check(signal)))).flat(),
        } satisfies AccountCheck;
      },
    },
    { provide: AccountSetup, useClass: InfobipSetup },
  ],
  exports: [InfobipClient, InfobipAccountApi, SinchClient, AccountCheck, AccountSetup],
})
export class ProviderClientsModule {}
