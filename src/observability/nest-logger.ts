import type { LoggerService } from '@nestjs/common';
import type { Logger } from 'pino';

/**
 * Carries the framework's own messages into the service's log. Its start-up chatter is kept for
 * `debug`; what it warns of keeps its level. Our own classes speak through it too: in texts, or in
 * fields with the text as `msg`, where a line belongs to a request.
 */
export class NestLogger implements LoggerService {
  constructor(private readonly logger: Logger) {}

  log(message: unknown, ...rest: unknown[]): void {
    this.write('debug', message, rest);
  }

  debug(message: unknown, ...rest: unknown[]): void {
    this.write('debug', message, rest);
  }

  verbose(message: unknown, ...rest: unknown[]): void {
    this.write('trace', message, rest);
  }

  warn(message: unknown, ...rest: unknown[]): void {
    this.write('warn', message, rest);
  }

  error(message: unknown, ...rest: unknown[]): void {
    this.write('error', message, rest);
  }

  fatal(message: unknown, ...rest: unknown[]): void {
    this.write('fatal', message, rest);
  }

  /** Nest passes the name of the speaking class last, and a stack before it. */
  private write(
    level: 'trace' | 'debug' | 'warn' | 'error' | 'fatal',
    message: unknown,
    rest: unknown[],
  ): void {
    const details = { context: rest.at(-1), ...(rest.length > 1 && { stack: rest[0] }) };
    if (message instanceof Error) this.logger[level]({ ...details, err: message });
    else if (typeof message === 'string') this.logger[level](details, message);
    else this.logger[level]({ ...details, ...(message as object) });
  }
}
