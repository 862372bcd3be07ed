import { Module } from '@nestjs/common';
import { NumberPolicy } from './number-policy.js';
import { SmsPumpingDetector } from './sms-pumping-detector.js';

/** Who may be messaged: countries, number types, and budgets against SMS pumping. */
@Module({
  providers: [NumberPolicy, SmsPumpingDetector],
  exports: [NumberPolicy, SmsPumpingDetector],
})
export class DestinationsModule {}
