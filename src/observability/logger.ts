import { pino, type DestinationStream, type Logger } from 'pino';
import type { ServiceConfig } from '../config/service.config.js';
import { redact } from './redact.js';

/** The service's logger: one JSON line per event, with the context of its request. */
export function createLogger(
  level: ServiceConfig['logLevel'],
  destination: DestinationStream,
): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }), log: redact },
      // `redact` serializes errors; pino's own serializer would do it again.
      serializers: { err: (serialized: unknown) => serialized },
    },
    destination,
  );
}
