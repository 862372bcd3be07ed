import type { LoggerService } from '@nestjs/common';
import type { Logger } from 'pino';

/** Nest logs an error of the start under this name and throws it. bootstrap.ts reports it. */
const START_ERRORS = 'ExceptionHandler';

type PinoLogLevel = 'trace' | 'debug' | 'warn' | 'error' | 'fatal';

/**
 * Nest's logger over pino. `log` becomes `debug`, because Nest uses it for start-up details. Messages
 * are strings, errors, or objects of log fields such as `msg` and `requestId`.
 */
export class NestLogger implements LoggerService {
  readonly log = this.createWriter('debug');
  readonly debug = this.createWriter('debug');
  readonly verbose = this.createWriter('trace');
  readonly warn = this.createWriter('warn');
  readonly error = this.createWriter('error');
  readonly fatal = this.createWriter('fatal');

  constructor(private readonly logger: Logger) {}

  private createWriter(level: PinoLogLevel) {
    return (message: unknown, ...rest: unknown[]): void => {
      if (rest.at(-1) === START_ERRORS) return;
      // Nest passes its context (the logger's name) last, and a stack before it.
      const details = { context: rest.at(-1), ...(rest.length > 1 && { stack: rest[0] }) };
      if (message instanceof Error) this.logger[level]({ ...details, err: message });
      else if (typeof message === 'string') this.logger[level](details, message);
      else this.logger[level]({ ...details, ...(message as object) });
    };
  }
}
