import { Inject, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { destinationsConfig, type DestinationsConfig } from '../config/destinations.config.js';
import { ALL_COUNTRIES } from '../config/list-parsers.js';
import { serviceConfig, type ServiceConfig } from '../config/service.config.js';
import { NumberPolicy } from './number-policy.js';
import { SmsPumpingDetector } from './sms-pumping-detector.js';

/**
 * Decides by the number itself who may be messaged ({@link NumberPolicy}). `smsPumping` decides by
 * the traffic to the number's country and prefix.
 */
@Injectable()
export class DestinationPolicy extends NumberPolicy implements OnApplicationBootstrap {
  private readonly logger = new Logger(DestinationPolicy.name);

  constructor(
    @Inject(destinationsConfig.KEY) config: DestinationsConfig,
    @Inject(serviceConfig.KEY) private readonly service: ServiceConfig,
    readonly smsPumping: SmsPumpingDetector,
  ) {
    super(config);
  }

  onApplicationBootstrap(): void {
    if (this.service.isProduction && this.config.allowedCountries.includes(ALL_COUNTRIES)) {
      this.logger.warn('ALLOWED_COUNTRIES is *, which allows every country. List those you serve.');
    }
  }
}
