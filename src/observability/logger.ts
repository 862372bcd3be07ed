import { pino, type DestinationStream, type Logger } from 'pino';
import type { ServiceConfig } from '../config/service.config.js';
import { redact } from './redact.js';

/** Creates the service's logger: one JSON line per log call, without secrets or personal data. */
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
      // `redact` has serialized the error; pino's own serializer would do it again.
      serializers: { err: (error: unknown) => error },
    },
    destination,
  );
}
