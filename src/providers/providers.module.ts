import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { HttpModule } from '@nestjs/axios';
import { Module } from '@nestjs/common';
import { InfobipClient } from './infobip/infobip.client.js';
import { InfobipProvider } from './infobip/infobip.provider.js';
import { OtpProvider } from './otp-provider.js';

/** A provider's answer is well under a kilobyte; more is not an answer of its API. */
const LONGEST_ANSWER_BYTES = 64 * 1024;

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
  providers: [InfobipClient, { provide: OtpProvider, useClass: InfobipProvider }],
  exports: [OtpProvider],
})
export class ProvidersModule {}
