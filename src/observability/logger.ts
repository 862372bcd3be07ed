import { pino, type DestinationStream, type Logger } from 'pino';
import type { ServiceConfig } from '../config/service.config.js';
import { conceal } from './conceal.js';

/** The service's log: one JSON line an event, with the context of the request that it belongs to. */
export function createLogger(
  level: ServiceConfig['logLevel'],
  destination: DestinationStream,
): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }), log: conceal },
      // Errors come here as they are to be; the logger's own would read them anew.
      serializers: { err: (described: unknown) => described },
    },
    destination,
  );
}
