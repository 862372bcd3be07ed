import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { DomainError } from '../common/domain-error.js';
import { httpConfig, type HttpConfig } from '../config/http.config.js';
import '../http/request-fields.js';

/** Lets only the client `METRICS_CLIENT` read the metrics: they show how much each client sends. */
@Injectable()
export class MetricsClientGuard implements CanActivate {
  constructor(@Inject(httpConfig.KEY) private readonly config: HttpConfig) {}

  /** @throws DomainError `not_found`, as for an unknown path, for every other client */
  canActivate(context: ExecutionContext): boolean {
    const { client } = context.switchToHttp().getRequest<FastifyRequest>();
    const { metricsClient } = this.config;
    if (metricsClient === undefined || client?.name !== metricsClient)
      throw new DomainError('not_found');
    return true;
  }
}
