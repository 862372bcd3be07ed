import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { HttpModule } from '@nestjs/axios';
import { Module } from '@nestjs/common';
import { AccountInspection } from './account-inspection.js';
import { AccountSetup } from './account-setup.js';
import { InfobipAccount } from './infobip/infobip.account.js';
import { InfobipClient } from './infobip/infobip.client.js';
import { InfobipInspection } from './infobip/infobip.inspection.js';
import { InfobipSetup } from './infobip/infobip.setup.js';

/** A provider's answer is well under this; more is not an answer of its API. */
const LONGEST_ANSWER_BYTES = 64 * 1024;

/** The vendor's account: speaking to it, looking at it, setting it up. Sends nothing by itself. */
@Module({
  imports: [
    HttpModule.register({
      httpAgent: new HttpAgent({ keepAlive: true }),
      httpsAgent: new HttpsAgent({ keepAlive: true }),
      // Every status is an answer, and every body is text until the adapter has looked at it.
      validateStatus: null,
      responseType: 'text',
      transformRequest: [],
      transformResponse: [],
      maxContentLength: LONGEST_ANSWER_BYTES,
      // A redirect would carry the key and the number to another host.
      maxRedirects: 0,
      proxy: false,
    }),
  ],
  providers: [
    InfobipClient,
    InfobipAccount,
    { provide: AccountInspection, useClass: InfobipInspection },
    { provide: AccountSetup, useClass: InfobipSetup },
  ],
  exports: [InfobipClient, AccountInspection, AccountSetup],
})
export class AccountsModule {}
