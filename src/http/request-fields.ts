/** The fields that hooks and guards of this service add to a request. */
import type { AuditDetails } from '../common/domain-error.js';
import type { ErrorCode } from '../common/error-catalog.js';
import type { LimitName } from '../common/label-values.js';
import type { RequestContext } from '../common/request-context.js';
import type { AuthenticatedClient } from './authenticated-client.js';

declare module 'fastify' {
  interface FastifyRequest {
    requestContext: RequestContext;
    /** Set by the API-key guard. */
    client?: AuthenticatedClient;
    /** Milliseconds until the rate limit resets; absent while it allows another request. */
    rateLimitResetMs?: number;
    /** The error code of the response, if the response is a problem document. */
    errorCode?: ErrorCode;
    /** The limit that the request reached. */
    reachedLimit?: LimitName | undefined;
    /** For the audit log, if the request is refused. */
    auditDetails?: AuditDetails | undefined;
    /** JSON pointers to the invalid fields of the request. */
    invalidFields?: readonly string[] | undefined;
  }
}
