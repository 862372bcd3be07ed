import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { DomainError } from '../common/domain-error.js';
import { seconds } from '../common/durations.js';
import { EventBus } from '../common/events.js';
import type { ReportRefusal } from '../common/label-values.js';
import type { RequestContext } from '../common/request-context.js';
import { UnauthenticatedLimit } from '../http/unauthenticated-limit.js';
import type {
  ReportedDeliveries,
  ReportReader,
  SendPermissionRequest,
} from '../providers/report-reader.js';
import { DeliveryReportStore } from '../storage/delivery-report-store.js';
import { withDeadline } from './with-deadline.js';

const NO_BODY = Buffer.alloc(0);

/**
 * Receives the reports of a provider. A report changes only what is stored about the delivery of a
 * message: it does not verify a number, release an attempt or send a message.
 */
@Injectable()
export class ProviderReportReceiver {
  /**
   * How long storing may delay the response. Providers do not document how long they wait for it.
   * Only tests change this time.
   */
  responseTimeoutMs = seconds(1);

  constructor(
    private readonly store: DeliveryReportStore,
    private readonly limit: UnauthenticatedLimit,
    private readonly events: EventBus,
  ) {}

  /**
   * Responds with 200 once every report is stored: without a body, or with the decision that Sinch
   * asks for. A request without a valid signature gets 401, and counts against the same rate limit as
   * one without a valid API key.
   * @throws DomainError `malformed_body`, `too_many_requests`, `storage_unavailable`
   */
  async receive(reader: ReportReader, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { headers, requestContext: context } = request;
    // Not a Buffer if the media type is not JSON: the body parser leaves such a body unread.
    const body = Buffer.isBuffer(request.body) ? request.body : NO_BODY;
    const refusal = reader.findRefusal({ headers, body });
    if (refusal) {
      this.emitRefused(reader, refusal, 1);
      await this.limit.count(request, reply, 'Too many requests without a valid signature.');
      await reply.header('www-authenticate', reader.authScheme).code(401).send();
      return;
    }
    const content = reader.parse(body);
    if (!content) {
      this.emitRefused(reader, 'malformed', 1);
      throw new DomainError('malformed_body', {
        message: `The body is no JSON report of ${reader.provider}.`,
      });
    }
    const response =
      content.type === 'permission_request'
        ? this.decide(reader, content, context)
        : this.storeReports(reader, content, context);
    await reply.code(200).send(await withDeadline(response, this.responseTimeoutMs));
  }

  private async storeReports(
    reader: ReportReader,
    { reports, malformed, verifiedReference }: ReportedDeliveries,
    context: RequestContext,
  ): Promise<undefined> {
    const { provider } = reader;
    if (malformed > 0) this.emitRefused(reader, 'malformed', malformed);
    await this.store.apply(provider, reports, context);
    if (verifiedReference === undefined) return;
    const unverified = await this.store.findUnverified(verifiedReference, context);
    if (unverified) this.events.emit({ type: 'provider_disagreed', provider, ...unverified });
  }

  /**
   * Responds to Sinch, which asks before each message whether it may send it. Allows only a message
   * that this service has just requested, and stores its price.
   */
  private async decide(
    { provider }: ReportReader,
    { message, reports }: SendPermissionRequest,
    context: RequestContext,
  ): Promise<{ readonly action: 'allow' | 'deny' }> {
    if (!message || !(await this.store.isRequested(message, context))) return { action: 'deny' };
    if (reports.length > 0) await this.store.apply(provider, reports, context);
    return { action: 'allow' };
  }

  private emitRefused({ provider }: ReportReader, reason: ReportRefusal, count: number): void {
    this.events.emit({ type: 'reports_refused', provider, reason, count });
  }
}
