import { constants } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { INestApplication } from '@nestjs/common';
import type { Logger } from 'pino';
import { providersConfig, type ProvidersConfig } from './config/providers.config.js';
import { serviceConfig, type ServiceConfig } from './config/service.config.js';
import { GracefulShutdown } from './http/graceful-shutdown.js';
import { getMaxRequestMs } from './storage/max-request-duration.js';

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;
type Signal = (typeof SIGNALS)[number];

/**
 * Exits at once on a signal, with exit code 128 + its number, until the application has started.
 * Without a handler the kernel drops signals for the first process of a container.
 */
export function exitOnSignal(): void {
  for (const signal of SIGNALS) process.on(signal, exitImmediately);
}

const exitImmediately = (signal: Signal): never => process.exit(128 + constants.signals[signal]);

/**
 * Shuts down on the first signal and exits once all requests are answered: with 0, or with 1 if one
 * did not end in time. Exits at once on the second signal, with 128 + its number.
 */
export function shutDownOnSignal(app: INestApplication, logger: Logger): void {
  let stopping = false;
  for (const signal of SIGNALS) {
    process.off(signal, exitImmediately);
    process.on(signal, () => {
      if (stopping) exitImmediately(signal);
      stopping = true;
      void shutDown(signal, app, logger);
    });
  }
}

async function shutDown(signal: Signal, app: INestApplication, logger: Logger): Promise<void> {
  logger.info({ signal }, 'stopping');
  app.get(GracefulShutdown).startDraining();
  const { shutdownDelayMs } = app.get<ServiceConfig>(serviceConfig.KEY);
  // Load balancers need time to see that this replica is not ready. A terminal (SIGINT) does not.
  if (signal === 'SIGTERM') await delay(shutdownDelayMs);
  const onTimeout = (): void => {
    logger.error('shutdown timed out with requests still running');
    process.exit(1);
  };
  // No request runs longer: other replicas treat an older one as abandoned.
  setTimeout(onTimeout, getMaxRequestMs(app.get<ProvidersConfig>(providersConfig.KEY)));
  await app.close();
  logger.info('stopped');
  process.exit(0);
}
