import { setTimeout as delay } from 'node:timers/promises';
import type { INestApplication } from '@nestjs/common';
import type { Logger } from 'pino';
import { providersConfig, type ProvidersConfig } from './config/providers.config.js';
import { serviceConfig, type ServiceConfig } from './config/service.config.js';
import { GracefulShutdown } from './http/graceful-shutdown.js';
import { onFirstSignal, type Signal } from './signals.js';
import { getMaxRequestMs } from './storage/max-request-duration.js';

/**
 * Shuts down on the first signal and exits once all requests are answered: with 0, or with 1 if one
 * did not end in time. Exits at once on the second signal, with 128 + its number.
 * @param listening a server that is about to listen cannot be closed, so a signal waits for it
 */
export function shutDownOnSignal(
  app: INestApplication,
  logger: Logger,
  listening: Promise<unknown>,
): void {
  onFirstSignal((signal) => {
    logger.info({ signal }, 'stopping');
    app.get(GracefulShutdown).startDraining();
    // If the server cannot listen, the process ends with that error.
    void listening.then(() => shutDown(signal, app, logger));
  });
}

async function shutDown(signal: Signal, app: INestApplication, logger: Logger): Promise<void> {
  const { shutdownDelayMs } = app.get<ServiceConfig>(serviceConfig.KEY);
  // Load balancers need time to see that this replica is not ready. A developer (Ctrl-C) does not.
  if (signal !== 'SIGINT') await delay(shutdownDelayMs);
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
