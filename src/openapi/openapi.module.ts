import { Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { DocsController } from './docs.controller.js';

/** The API document and the page that shows it. */
@Module({ imports: [DiscoveryModule], controllers: [DocsController] })
export class OpenApiModule {}
