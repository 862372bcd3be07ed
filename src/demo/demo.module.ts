import { Module } from '@nestjs/common';
import { DemoController } from './demo.controller.js';

/** The demo page: a form to send and verify a code, beside the sandbox's messages. */
@Module({ controllers: [DemoController] })
export class DemoModule {}
