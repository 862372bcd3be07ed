import { setTimeout as delay } from 'node:timers/promises';
import type { INestApplication } from '@nestjs/common';
import type { Logger } from 'pino';
import { seconds } from './common/durations.js';
import { providersConfig, type ProvidersConfig } from './config/providers.config.js';
import { serviceConfig, type ServiceConfig } from './config/service.config.js';
import { GracefulShutdown } from './http/graceful-shutdown.js';
import { onFirstSignal, type Signal } from './signals.js';

/**
 * Time of the other steps of a shutdown. Before the last request begins: 3 s for events that are
 * being sent, 1 s for connections in the kernel's queue, 2 s for the first request of a new
 * connection. After it: 2 s for the last export of traces, 2 s for closing the database.
 */
const OTHER_STEPS_MS = seconds(10);

/** The longest time between the end of `SHUTDOWN_DELAY` and the exit, in milliseconds. */
export const getShutdownTimeoutMs = ({ maxRequestMs }: ProvidersConfig): number =>
  maxRequestMs + OTHER_STEPS_MS;

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
  const config = app.get<ProvidersConfig>(providersConfig.KEY);
  const shutdown = app.get(GracefulShutdown);
  const closeUnread = (): void => {
    shutdown.closeUnread();
  };
  // Closes only connections whose response was begun. A request that still runs keeps its time.
  setTimeout(() => {
    closeUnread();
    setInterval(closeUnread, seconds(1));
  }, config.maxRequestMs);
  setTimeout(onTimeout, getShutdownTimeoutMs(config));
  await app.close();
  logger.info('stopped');
  process.exit(0);
}
