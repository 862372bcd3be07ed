import { Module } from '@nestjs/common';
import { DestinationPolicy } from './destination-policy.js';
import { SmsPumpingDetector } from './sms-pumping-detector.js';

/** Who may be messaged: countries, number types, and budgets against SMS pumping. */
@Module({
  providers: [DestinationPolicy, SmsPumpingDetector],
  exports: [DestinationPolicy],
})
export class DestinationsModule {}
