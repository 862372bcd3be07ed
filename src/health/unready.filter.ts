import {
  Catch,
  ServiceUnavailableException,
  type ArgumentsHost,
  type ExceptionFilter,
} from '@nestjs/common';
import type { FastifyReply } from 'fastify';

/** Who asks for readiness is an operator or a probe: the answer is the report, not a problem document. */
@Catch(ServiceUnavailableException)
export class UnreadyFilter implements ExceptionFilter {
  catch(unready: ServiceUnavailableException, host: ArgumentsHost): void {
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    void reply.code(unready.getStatus()).header('retry-after', '5').send(unready.getResponse());
  }
}
