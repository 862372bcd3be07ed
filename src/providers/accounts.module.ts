import { createRequire } from 'node:module';
import { HttpService } from '@nestjs/axios';
import { Module } from '@nestjs/common';
import type * as Undici from 'undici';
import { seconds } from '../common/durations.js';
import { providersConfig, type ProvidersConfig } from '../config/providers.config.js';
import { AccountCheck } from './account-check.js';
import { AccountSetup } from './account-setup.js';
import { InfobipAccountApi } from './infobip/infobip.account-api.js';
import { InfobipAccountCheck } from './infobip/infobip.account-check.js';
import { InfobipClient } from './infobip/infobip.client.js';
import { InfobipMaxUsage } from './infobip/infobip.max-usage.js';
import { InfobipSetup } from './infobip/infobip.setup.js';
import { SinchAccountCheck } from './sinch/sinch.account-check.js';
import { SinchClient } from './sinch/sinch.client.js';
import { createUndiciAxios } from './undici-adapter.js';

/** The index of undici loads parts that are not used here: 4 MB, and 40 ms of the start. */
const Agent = createRequire(import.meta.url)(
  'undici/lib/dispatcher/agent.js',
) as typeof Undici.Agent;

/** Every response of a provider's API is well below this. */
const MAX_RESPONSE_BYTES = 64 * 1024;

/**
 * A connection attempt ends soon after its call, so that it does not keep the process alive; but
 * never before, and undici's timer may fire half a second early.
 */
const CONNECT_SLACK_MS = seconds(1);

/** The clients of the providers' APIs, and what reads or sets up an account there. Sends nothing. */
@Module({
  providers: [
    {
      provide: HttpService,
      inject: [providersConfig.KEY],
      useFactory: ({ timeoutMs }: ProvidersConfig) => {
        const connect = { timeout: timeoutMs + CONNECT_SLACK_MS };
        const agent = new Agent({ maxResponseSize: MAX_RESPONSE_BYTES, connect });
        return new HttpService(createUndiciAxios(agent));
      },
    },
    InfobipClient,
    InfobipMaxUsage,
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
  exports: [InfobipClient, SinchClient, AccountCheck, AccountSetup],
})
export class AccountsModule {}
