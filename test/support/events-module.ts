import { Global, Module } from '@nestjs/common';
import { EventBus } from '../../src/common/events.js';

/** Gives the event bus to every module, as AppModule does. */
@Global()
@Module({ providers: [EventBus], exports: [EventBus] })
export class EventsModule {}
