import {
  Catch,
  ServiceUnavailableException,
  type ArgumentsHost,
  type ExceptionFilter,
} from '@nestjs/common';
import type { FastifyReply } from 'fastify';

/** Readiness returns the report of terminus instead of a problem document: its clients are probes. */
@Catch(ServiceUnavailableException)
export class ReadinessExceptionFilter implements ExceptionFilter {
  catch(exception: ServiceUnavailableException, host: ArgumentsHost): void {
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    void reply.code(exception.getStatus()).header('retry-after', '5').send(exception.getResponse());
  }
}
