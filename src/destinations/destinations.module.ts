import { Module } from '@nestjs/common';
import { DestinationPolicy } from './destination-policy.js';
import { SmsPumpingDetector } from './sms-pumping-detector.js';

/** Who may be texted. */
@Module({
  providers: [DestinationPolicy, SmsPumpingDetector],
  exports: [DestinationPolicy, SmsPumpingDetector],
})
export class DestinationsModule {}
