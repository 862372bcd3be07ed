import { setTimeout as delay } from 'node:timers/promises';
import type { INestApplication } from '@nestjs/common';
import type { Logger } from 'pino';
import { providersConfig, type ProvidersConfig } from './config/providers.config.js';
import { serviceConfig, type ServiceConfig } from './config/service.config.js';
import { GracefulShutdown } from './http/graceful-shutdown.js';
import { onFirstSignal, type Signal } from './signals.js';
import { getMaxRequestMs } from './storage/max-request-duration.js';

/**
 * Shuts down on the first signal and exits once all requests are answered: with 0, or with 1 if a
 * request did not end in time. Exits at once on the second signal, with 128 + the signal's number.
 * @param listening resolves once the server listens. The shutdown waits for that, because a server
 * that does not listen yet cannot be closed.
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
  // Load balancers need time to see that this replica is not ready. SIGINT is a developer's Ctrl-C.
  if (signal !== 'SIGINT') await delay(shutdownDelayMs);
  const onTimeout = (): void => {
    logger.error('shutdown timed out with requests still running');
    process.exit(1);
  };
  // No request runs longer than this: other replicas treat an older request as abandoned.
  setTimeout(onTimeout, getMaxRequestMs(app.get<ProvidersConfig>(providersConfig.KEY)));
  await app.close();
  logger.info('stopped');
  process.exit(0);
}
