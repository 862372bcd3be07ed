import { constants } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { INestApplication } from '@nestjs/common';
import type { Logger } from 'pino';
import { providersConfig, type ProvidersConfig } from './config/providers.config.js';
import { serviceConfig, type ServiceConfig } from './config/service.config.js';
import { GracefulShutdown } from './http/graceful-shutdown.js';
import { abandonedAfterMs } from './storage/deadline.js';

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;
type Signal = (typeof SIGNALS)[number];

/**
 * Ends the process on any signal at once, with an exit code of 128 and its number, until there is
 * something to stop in order. Without it the kernel drops signals for the first process of a container.
 */
export function exitOnSignal(): void {
  for (const signal of SIGNALS) process.on(signal, end);
}

const end = (signal: Signal): never => process.exit(128 + constants.signals[signal]);

/**
 * Ends the process on the first signal once all requests are answered, and at once on a second.
 * Its exit code is 0, or 1 if a request was not done in time, or 128 and the second signal's number.
 */
export function shutDownOnSignal(app: INestApplication, logger: Logger): void {
  let stopping = false;
  for (const signal of SIGNALS) {
    process.off(signal, end);
    process.on(signal, () => {
      if (stopping) end(signal);
      stopping = true;
      void stop(signal, app, logger);
    });
  }
}

async function stop(signal: Signal, app: INestApplication, logger: Logger): Promise<void> {
  logger.info({ signal }, 'stopping');
  app.get(GracefulShutdown).start();
  // Whoever balances load has to see first that this replica is not ready any more. Nobody does
  // that at a terminal, where the signal is SIGINT.
  if (signal === 'SIGTERM') {
    await delay(app.get<ServiceConfig>(serviceConfig.KEY).shutdownDelayMs);
  }
  // After this time no request can be running: the other replicas take it for lost.
  setTimeout(
    () => {
      logger.error('stopped, though a request was not done in time');
      process.exit(1);
    },
    abandonedAfterMs(app.get<ProvidersConfig>(providersConfig.KEY)),
  );
  await app.close();
  logger.info('stopped');
  process.exit(0);
}
