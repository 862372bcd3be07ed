import { Module } from '@nestjs/common';
import { DestinationPolicy } from './destination-policy.js';

/** Who may be texted. */
@Module({ providers: [DestinationPolicy], exports: [DestinationPolicy] })
export class DestinationsModule {}
