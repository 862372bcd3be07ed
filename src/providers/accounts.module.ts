import { createRequire } from 'node:module';
import { HttpService } from '@nestjs/axios';
import { Module } from '@nestjs/common';
import type * as Undici from 'undici';
import { seconds } from '../common/durations.js';
import { providersConfig, type ProvidersConfig } from '../config/providers.config.js';
import { AccountInspection } from './account-inspection.js';
import { AccountSetup } from './account-setup.js';
import { inOrder } from './in-order.js';
import { InfobipAccount } from './infobip/infobip.account.js';
import { InfobipClient } from './infobip/infobip.client.js';
import { InfobipDemand } from './infobip/infobip.demand.js';
import { InfobipInspection } from './infobip/infobip.inspection.js';
import { InfobipSetup } from './infobip/infobip.setup.js';
import { JointInspection } from './joint-inspection.js';
import { ProviderHttp } from './provider-http.js';
import { SinchClient } from './sinch/sinch.client.js';
import { SinchInspection } from './sinch/sinch.inspection.js';
import { axiosOver } from './undici-adapter.js';

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
          axiosOver(
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
    InfobipInspection,
    SinchClient,
    SinchInspection,
    {
      provide: AccountInspection,
      inject: [providersConfig.KEY, InfobipInspection, SinchInspection],
      useFactory: (config: ProvidersConfig, infobip: InfobipInspection, sinch: SinchInspection) =>
        new JointInspection(inOrder<AccountInspection>(config, { infobip, sinch })),
    },
    { provide: AccountSetup, useClass: InfobipSetup },
  ],
  exports: [InfobipClient, SinchClient, AccountInspection, AccountSetup],
})
export class AccountsModule {}
