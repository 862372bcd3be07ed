import { EventBus, type ServiceEventOf } from '../../src/common/events.js';
import { logAuditEvents } from '../../src/observability/audit-logger.js';
import { createLogger } from '../../src/observability/logger.js';
import { MemoryLog } from '../support/memory-log.js';

type RequestCompleted = ServiceEventOf<'request_completed'>;

describe('logAuditEvents', () => {
  function log(event: Partial<RequestCompleted>): Record<string, unknown>[] {
    const [events, lines] = [new EventBus(), new MemoryLog()];
    logAuditEvents(events, createLogger('info', lines));
    events.emit({
      type: 'request_completed',
      context: { requestId: 'a-request' },
      method: 'POST',
      route: '/otp/numbers/erase',
      status: 204,
      problem: undefined,
      limit: undefined,
      invalidFields: undefined,
      auditDetails: undefined,
      replayed: false,
      client: 'shop',
      durationMs: 1,
      ...event,
    });
    return lines.events('audit');
  }

  it('logs the outcome `unanswered` if the client disconnected before the response', () => {
    expect(log({ status: 499 })).toMatchObject([{ action: 'erase', outcome: 'unanswered' }]);
  });

  it('logs an error of the service as a failure', () => {
    expect(log({ status: 503, problem: 'storage_unavailable' })).toMatchObject([
      { outcome: 'failed', reason: 'storage_unavailable' },
    ]);
  });

  it('logs a refused request to an unknown path as the action `other`, and logs no accepted one', () => {
    const refused = { status: 401, problem: 'unauthenticated', client: undefined } as const;

    expect(log({ ...refused, route: '/new' })).toMatchObject([{ action: 'other' }]);
    expect(log({ route: '/new' })).toEqual([]);
  });

  it.each([408, 413, 499])(
    'logs no erase that ends with %i before its client is known',
    (status) => {
      expect(log({ status, client: undefined })).toEqual([]);
    },
  );

  it('logs no request that could not be parsed', () => {
    const unparsed = { method: undefined, route: undefined, client: undefined };

    expect(log({ ...unparsed, status: 400, problem: 'malformed_body' })).toEqual([]);
  });
});
