import type { Logger } from 'pino';
import { SEND_REFUSALS, type ErrorCode } from '../common/error-catalog.js';
import type { EventBus, ServiceEventOf } from '../common/events.js';
import { PROVIDER_NAMES } from '../common/provider-name.js';

type RequestCompleted = ServiceEventOf<'request_completed'>;

/** Actions that are always logged, by method and route. */
const AUDITED_ACTIONS: Readonly<Record<string, string>> = {
  'POST /otp/numbers/lookup': 'look_up',
  'POST /otp/numbers/erase': 'erase',
  'DELETE /otp/:pinId': 'cancel',
};

/** Actions that are logged only if they are refused. */
const OTHER_ACTIONS: Readonly<Record<string, string>> = {
  'POST /otp/send': 'send',
  'POST /otp/resend': 'resend',
  'POST /otp/verify': 'verify',
  'GET /otp/:pinId': 'get_verification',
  'GET /metrics': 'read_metrics',
  ...Object.fromEntries(PROVIDER_NAMES.map((name) => [`POST /provider-reports/${name}`, 'report'])),
};

/** The error codes of requests that a rule or a limit refused. */
const REFUSALS: ReadonlySet<ErrorCode | undefined> = new Set<ErrorCode>([
  ...SEND_REFUSALS,
  'unauthenticated',
  'too_many_requests',
]);

const UNAUTHENTICATED_STATUS = 401;

/** The status of a request whose client disconnected before the response. */
const UNANSWERED_STATUS = 499;

type AuditOutcome = 'done' | 'refused' | 'failed' | 'unanswered';

/**
 * Logs who looked up, erased or cancelled something, which request was refused, and which rules of
 * a client changed. Each gets one line with `kind: "audit"`, at every `LOG_LEVEL` but `silent`,
 * without numbers, codes, keys, references and pinIds. If a rate limit refuses many requests of one
 * client or address, only the first in each minute is logged.
 */
export function logAuditEvents(events: EventBus, logger: Logger): void {
  if (logger.level === 'silent') return;
  const audit = logger.child({ kind: 'audit' }, { level: 'info' });
  events.subscribe('request_completed', (event) => {
    const { context, method = '', route = '', limit, client, auditDetails } = event;
    const request = `${method} ${route}`;
    const audited = AUDITED_ACTIONS[request];
    const outcome = toOutcome(event);
    // Without a client, the request failed before its API key was checked: anyone can send many.
    const isLogged = (audited !== undefined && client !== undefined) || outcome === 'refused';
    if (!isLogged || auditDetails?.isRepeated) return;
    const action = audited ?? OTHER_ACTIONS[request] ?? 'other';
    const { country, address } = auditDetails ?? {};
    const reason = getReason(event);
    audit.info({ action, outcome, reason, limit, client, country, address, ...context }, 'audit');
  });
  events.subscribe('client_rules_changed', ({ client, change, differences }) => {
    const [action, outcome] = ['change_rules', 'done'];
    audit.info({ action, outcome, client, change, differences }, 'client rules changed');
  });
}

/** The error code of a response. An invalid provider report gets 401 without a problem document. */
const getReason = ({ status, problem }: RequestCompleted): ErrorCode | undefined =>
  problem ?? (status === UNAUTHENTICATED_STATUS ? 'unauthenticated' : undefined);

function toOutcome(event: RequestCompleted): AuditOutcome {
  const { status } = event;
  if (REFUSALS.has(getReason(event))) return 'refused';
  if (status === UNANSWERED_STATUS) return 'unanswered';
  return status < 400 ? 'done' : 'failed';
}
