import { Module } from '@nestjs/common';
import { DemoController } from './demo.controller.js';

/** The try-it page; only where there is a sandbox whose phone it can show. */
@Module({ controllers: [DemoController] })
export class DemoModule {}
