import { Module } from '@nestjs/common';
import { outboundConfig, type OutboundConfig } from '../config/outbound.config.js';
import { webhooksConfig, type WebhooksConfig } from '../config/webhooks.config.js';
import { createDispatcher } from '../providers/provider-dispatcher.js';
import { StorageModule } from '../storage/storage.module.js';
import { POST_TIMEOUT_MS, RECEIVER_DISPATCHER, WebhookClient } from './webhook-client.js';
import { WebhookLogger } from './webhook-logger.js';
import { WebhookScheduler } from './webhook-scheduler.js';
import { WebhookSender } from './webhook-sender.js';

/** Sends the events of docs/events.md to `EVENTS_URL`. Loaded only if this setting has a value. */
@Module({
  imports: [StorageModule],
  providers: [
    {
      provide: RECEIVER_DISPATCHER,
      inject: [webhooksConfig.KEY, outboundConfig.KEY],
      useFactory: ({ receiver }: WebhooksConfig, outbound: OutboundConfig) =>
        createDispatcher(receiver ? [receiver.url] : [], POST_TIMEOUT_MS, outbound),
    },
    WebhookClient,
    WebhookLogger,
    WebhookSender,
    WebhookScheduler,
  ],
})
export class WebhooksModule {}
