import { Module } from '@nestjs/common';
import { DemoController } from './demo.controller.js';

/** The demo page: only beside a sandbox, whose inbox it shows. */
@Module({ controllers: [DemoController] })
export class DemoModule {}
