import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { errors } from '../common/domain-error.js';
import { seconds } from '../common/durations.js';
import { EventBus } from '../common/events.js';
import type { ReportRefusal } from '../common/label-values.js';
import type { RequestContext } from '../common/request-context.js';
import { UnauthenticatedLimit } from '../http/unauthenticated-limit.js';
import type { ReportedDeliveries, ReportReader, SendQuestion } from '../providers/report-reader.js';
import { DeliveryReportStore } from '../storage/delivery-report-store.js';
import { withDeadline } from './with-deadline.js';

/** How long a provider waits is not documented. */
const DEADLINE_MS = seconds(1);
const NO_BODY = Buffer.alloc(0);

/** What Sinch is answered; others read the status only. */
interface SendDecision {
  readonly action: 'allow' | 'deny';
}

/**
 * Receives what a provider reports. A report changes only what is known of a message's delivery: it
 * verifies no number, gives no attempt back, and sends no message.
 */
@Injectable()
export class ProviderReportReceiver {
  constructor(
    private readonly store: DeliveryReportStore,
    private readonly limit: UnauthenticatedLimit,
    private readonly events: EventBus,
  ) {}

  /**
   * Answers 200 once every report is stored: without a body, or with the decision that Sinch asks for. A
   * request that is not authentic gets 401 without a body, and counts as one without a valid API key.
   * @throws DomainError `malformed_body`, `too_many_requests`, `storage_unavailable`
   */
  async receive(reader: ReportReader, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { headers, requestContext: context } = request;
    // A body of another media type was not read.
    const body = Buffer.isBuffer(request.body) ? request.body : NO_BODY;
    const refusal = reader.findRefusal({ headers, body });
    if (refusal) {
      this.emitRefused(reader, refusal, 1);
      await this.limit.count(request, reply, 'Too many requests without a valid signature.');
      await reply.header('www-authenticate', reader.scheme).code(401).send();
      return;
    }
    const content = reader.parse(body);
    if (!content) {
      this.emitRefused(reader, 'malformed', 1);
      throw errors.malformedBody({ message: `The body is no JSON report of ${reader.provider}.` });
    }
    const answer =
      content.type === 'question'
        ? this.decide(reader, content, context)
        : this.storeReports(reader, content, context);
    await reply.code(200).send(await withDeadline(answer, DEADLINE_MS));
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

  /** Allows a message that this service has just requested, and no other. */
  private async decide(
    { provider }: ReportReader,
    { message, reports }: SendQuestion,
    context: RequestContext,
  ): Promise<SendDecision> {
    if (!message || !(await this.store.isRequested(message, context))) return { action: 'deny' };
    if (reports.length > 0) await this.store.apply(provider, reports, context);
    return { action: 'allow' };
  }

  private emitRefused({ provider }: ReportReader, reason: ReportRefusal, count: number): void {
    this.events.emit({ type: 'reports_refused', provider, reason, count });
  }
}
