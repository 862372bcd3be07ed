import { createRequire } from 'node:module';
import { HttpService } from '@nestjs/axios';
import { Module } from '@nestjs/common';
import type * as Undici from 'undici';
import { seconds } from '../common/durations.js';
import { providersConfig, type ProvidersConfig } from '../config/providers.config.js';
import { AccountCheck } from './account-check.js';
import { AccountSetup } from './account-setup.js';
import { inOrder } from './in-order.js';
import { InfobipAccount } from './infobip/infobip.account.js';
import { InfobipClient } from './infobip/infobip.client.js';
import { InfobipDemand } from './infobip/infobip.max-usage.js';
import { InfobipAccountCheck } from './infobip/infobip.account-check.js';
import { InfobipSetup } from './infobip/infobip.setup.js';
import { JointInspection } from './joint-inspection.js';
import { ProviderHttp } from './provider-http.js';
import { SinchClient } from './sinch/sinch.client.js';
import { SinchAccountCheck } from './sinch/sinch.account-check.js';
import { createUndiciAxios } from './undici-adapter.js';

/** Without all else that undici can do, which its index loads: 4 MB, and 40 ms of the start. */
const Agent = createRequire(import.meta.url)(
  'undici/lib/dispatcher/agent.js',
) as typeof Undici.Agent;

/** A provider's answer is well under this; more is not an answer of its API. */
const LONGEST_ANSWER_BYTES = 64 * 1024;

/**
 * Connecting ends soon after the call that it is for, so that it keeps no process alive; but not
 * before, and undici's timer for it may come half a second early.
 */
const CONNECT_SLACK_MS = seconds(1);

/** The vendors' accounts: speaking to them, looking at them, setting them up. Sends nothing by itself. */
@Module({
  providers: [
    {
      provide: HttpService,
      inject: [providersConfig.KEY],
      useFactory: ({ timeoutMs }: ProvidersConfig) =>
        new HttpService(
          createUndiciAxios(
            new Agent({
              maxResponseSize: LONGEST_ANSWER_BYTES,
              connect: { timeout: timeoutMs + CONNECT_SLACK_MS },
            }),
          ),
        ),
    },
    ProviderHttp,
    InfobipClient,
    InfobipDemand,
    InfobipAccount,
    InfobipAccountCheck,
    SinchClient,
    SinchAccountCheck,
    {
      provide: AccountCheck,
      inject: [providersConfig.KEY, InfobipAccountCheck, SinchAccountCheck],
      useFactory: (
        config: ProvidersConfig,
        infobip: InfobipAccountCheck,
        sinch: SinchAccountCheck,
      ) => new JointInspection(inOrder<AccountCheck>(config, { infobip, sinch })),
    },
    { provide: AccountSetup, useClass: InfobipSetup },
  ],
  exports: [InfobipClient, SinchClient, AccountCheck, AccountSetup],
})
export class AccountsModule {}
