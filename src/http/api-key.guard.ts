import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ClientDirectory } from '../clients/client-directory.js';
import { DomainError } from '../common/domain-error.js';
import { authConfig, type AuthConfig } from '../config/auth.config.js';
import { authenticateClient, describeRejection } from './authenticate-client.js';
import { getClientIp, type AuthenticatedClient } from './authenticated-client.js';
import { PUBLIC } from './public.decorator.js';
import { UnauthenticatedLimit } from './unauthenticated-limit.js';

/** The name of every client if no API keys are configured. */
const ANONYMOUS = 'anonymous';

/**
 * Authenticates the client before any other guard. Failed attempts are rate-limited by IP address
 * and never block a valid key from the same IP address.
 */
@Injectable()
export class ApiKeyGuard implements CanActivate {
  constructor(
    @Inject(authConfig.KEY) private readonly config: AuthConfig,
    private readonly directory: ClientDirectory,
    private readonly reflector: Reflector,
    private readonly limit: UnauthenticatedLimit,
  ) {}

  /** @throws DomainError `unauthenticated` or, after too many of these, `too_many_requests` */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (this.reflector.getAllAndOverride(PUBLIC, [context.getHandler(), context.getClass()])) {
      return true;
    }
    const http = context.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const client = this.findClient(request);
    if (!client) return this.rejectRequest(request, http.getResponse<FastifyReply>());
    request.client = client;
    return true;
  }

  private findClient(request: FastifyRequest): AuthenticatedClient | undefined {
    if (!this.config.needsApiKey) {
      const rules = this.directory.defaults;
      return { name: ANONYMOUS, tracker: `address:${getClientIp(request)}`, rules };
    }
    const client = authenticateClient(this.directory, request.headers.authorization);
    return client && { name: client.name, tracker: `client:${client.name}`, rules: client.rules };
  }

  private async rejectRequest(request: FastifyRequest, reply: FastifyReply): Promise<never> {
    // RFC 6750 §3: no error code where the request contains no credentials.
    const hasCredentials = request.headers.authorization !== undefined;
    void reply.header(
      'www-authenticate',
      hasCredentials ? 'Bearer error="invalid_token"' : 'Bearer',
    );
    await this.limit.count(request, reply, 'Too many requests without a valid API key.');
    throw new DomainError('unauthenticated', {
      message: describeRejection(request.headers.authorization),
      auditDetails: { address: getClientIp(request) },
    });
  }
}
