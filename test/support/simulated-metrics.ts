/** Metrics over six hours, one value per minute, in the notation of promtool's unit tests. */
export type MetricSeries = Readonly<Record<string, string>>;

/** Writes a series with its labels. */
const series = (name: string, labels: Record<string, string>): string =>
  `${name}{${Object.entries(labels)
    .map(([label, value]) => `${label}="${value}"`)
    .join(',')}}`;

/** Gives each series the label of a namespace. */
export const inNamespace = (namespace: string, metrics: MetricSeries): MetricSeries =>
  Object.fromEntries(
    Object.entries(metrics).map(([name, values]) => [
      name.replace('{', `{namespace="${namespace}",`),
      values,
    ]),
  );

/** The values of a counter that grows by `perMinute(minute)`. */
export function counterValues(minutes: number, perMinute: (minute: number) => number): string {
  let total = 0;
  return Array.from({ length: minutes + 1 }, (_, minute) => {
    if (minute > 0) total += perMinute(minute);
    return total;
  }).join(' ');
}

/** A histogram with `perMinute` observations a minute, `below` of which are at most `bound`. */
function histogram(
  name: string,
  labels: Record<string, string>,
  perMinute: number,
  [bound, below]: readonly [bound: string, below: number],
): MetricSeries {
  const bucket = (le: string) => series(`${name}_bucket`, { ...labels, le });
  return {
    [series(`${name}_count`, labels)]: `0+${perMinute}x360`,
    [bucket(bound)]: `0+${below}x360`,
    [bucket('5')]: `0+${perMinute}x360`,
    [bucket('+Inf')]: `0+${perMinute}x360`,
  };
}

const INFOBIP = { provider: 'infobip' };
const US = { country: 'US', channel: 'sms', ...INFOBIP };
const SEND = { ...INFOBIP, operation: 'send' };
const INSTANCE = { job: 'otp-service', instance: 'a' };
const REQUEST = { method: 'POST', route: '/otp/send', status: '200' };
const RESERVE_SEND = { operation: 'reserveSend', outcome: 'ok' };

/** Provider calls by outcome. */
export const calls = (outcome: string, values: string): MetricSeries => ({
  [series('otp_provider_calls_total', { ...SEND, channel: 'sms', outcome })]: values,
});

/** Durations of a hundred provider calls a minute, `below` of which take less than 0.3 s. */
export const callDurations = (below: number): MetricSeries =>
  histogram('otp_provider_call_duration_seconds', SEND, 100, ['0.3', below]);

/** Durations of a hundred requests a minute, `below` of which take less than 2.5 s. */
export const requestDurations = (below: number): MetricSeries =>
  histogram('otp_http_request_duration_seconds', REQUEST, 100, ['2.5', below]);

/** Durations of a hundred storage operations a minute, `below` of which take less than 10 ms. */
export const storageDurations = (below: number): MetricSeries =>
  histogram('otp_storage_operation_duration_seconds', RESERVE_SEND, 100, ['0.01', below]);

export const storageErrors = (values: string): MetricSeries => ({
  [series('otp_storage_operation_duration_seconds_count', { ...RESERVE_SEND, outcome: 'failed' })]:
    values,
});

/** Requests of a client by result. */
export const requests = (result: string, values: string, client = 'shop'): MetricSeries => ({
  [series('otp_client_requests_total', { client, result })]: values,
});

/** Codes that a client submitted, by outcome. */
export const clientCodes = (outcome: string, values: string): MetricSeries => ({
  [series('otp_client_verifications_total', { client: 'shop', outcome })]: values,
});

export const limitReached = (limit: string, values: string): MetricSeries => ({
  [series('otp_limits_reached_total', { limit })]: values,
});

const sent = (country: string, values: string): MetricSeries => ({
  [series('otp_sends_total', { ...US, country, outcome: 'accepted' })]: values,
});

export const verified = (values: string): MetricSeries => ({
  [series('otp_verifications_total', { ...US, outcome: 'verified' })]: values,
});

/** Reported messages by outcome. */
export const deliveries = (outcome: string, values: string): MetricSeries => ({
  [series('otp_deliveries_total', { ...US, outcome })]: values,
});

export const reportsRefused = (reason: string, values: string): MetricSeries => ({
  [series('otp_delivery_reports_refused_total', { ...INFOBIP, reason })]: values,
});

export const disagreements = (values: string): MetricSeries => ({
  [series('otp_provider_disagreements_total', { provider: 'sinch' })]: values,
});

export const openCircuit = (values: string): MetricSeries => ({
  [series('otp_provider_circuit_state', { ...SEND, channel: 'sms', state: 'open' })]: values,
});

export const blocked = (values: string): MetricSeries => ({
  [series('otp_fraud_checks_total', { country: 'LV', scope: 'prefix', decision: 'blocked' })]:
    values,
});

/** A gauge or counter of one replica; by default of the first. */
export const ofReplica = (
  name: string,
  values: string,
  labels: Record<string, string> = {},
): MetricSeries => ({ [series(name, { ...INSTANCE, ...labels })]: values });

const SECOND = { instance: 'b' };

/** Two replicas that can be scraped; `first` and `second` are 1 while a replica has its database. */
export const replicas = ({ first = '1x360', second = '1x360' } = {}): MetricSeries => ({
  ...ofReplica('otp_build_info', '1x360', { version: '0.1.0' }),
  ...ofReplica('up', '1x360'),
  ...ofReplica('up', '1x360', SECOND),
  ...ofReplica('otp_ready', first, { check: 'storage' }),
  ...ofReplica('otp_ready', second, { check: 'storage', ...SECOND }),
  ...redisUp(),
});

/** Whether the two replicas reach Redis (1) or not (0). */
export const redisUp = ({ first = '1x360', second = '1x360' } = {}): MetricSeries => ({
  ...ofReplica('otp_redis_up', first),
  ...ofReplica('otp_redis_up', second, SECOND),
  ...ofReplica('otp_ready', first, { check: 'counters' }),
  ...ofReplica('otp_ready', second, { check: 'counters', ...SECOND }),
});

/** The labels of an event that the service has given up to send. */
export const ABANDONED = { type: 'verification.verified', outcome: 'abandoned' };

/** The labels of a request whose verification cannot be decrypted. */
export const UNREADABLE = { reason: 'stored_data_unreadable' };

/** The metrics that are the same by day and by night. */
const NOTHING_WRONG: MetricSeries = {
  ...replicas(),
  ...ofReplica('nodejs_eventloop_lag_p99_seconds', '0.02x360'),
  ...ofReplica('otp_log_lines_lost_total', '0x360'),
  ...ofReplica('otp_events_total', '0x360', ABANDONED),
  ...ofReplica('otp_rejections_total', '0x360', UNREADABLE),
  ...ofReplica('otp_events_oldest_waiting_seconds', '0x360'),
  // Only one of the replicas gets to clean up.
  ...ofReplica('otp_cleanup_last_success_timestamp_seconds', '0+60x360'),
  ...ofReplica('otp_cleanup_last_success_timestamp_seconds', '0x360', SECOND),
  ...ofReplica('otp_database_connections', '0x360', { state: 'waiting' }),
  ...openCircuit('0x360'),
  ...blocked('0x360'),
  ...storageErrors('0x360'),
  ...calls('unauthorized', '0x360'),
  ...calls('not_accepted', '0x360'),
  ...calls('timed_out', '0x360'),
  ...limitReached('client_sends', '0x360'),
  ...limitReached('client_wrong_codes', '0x360'),
  ...limitReached('failures', '0x360'),
  ...limitReached('shared_failures', '0x360'),
  ...limitReached('shared_sends_per_day', '0x360'),
  ...requests('unauthenticated', '0x360', 'none'),
  ...deliveries('rejected', '0x360'),
  ...deliveries('no_credit', '0x360'),
  ...reportsRefused('signature', '0x360'),
  ...disagreements('0x360'),
  ...requests('failed', '0x360'),
};

/** One error in forty minutes. */
const FEW_ERRORS = counterValues(360, (minute) => (minute % 40 === 0 ? 1 : 0));

/**
 * A healthy service by day: 80 % of the codes are verified and a tenth are wrong, some numbers are
 * unreachable, the provider has an error now and then, and users are impatient.
 */
export const HEALTHY: MetricSeries = {
  ...NOTHING_WRONG,
  ...sent('US', '0+10x360'),
  ...verified('0+8x360'),
  // Too few messages for an alert, and none of them is verified.
  ...sent('LI', '0x180 1+0x60 2+0x120'),
  ...deliveries('delivered', '0+7x360'),
  ...deliveries('unreachable', '0+2x360'),
  ...deliveries('unknown', '0+1x360'),
  ...reportsRefused('unknown_id', '0+50x360'),
  ...calls('ok', '0+95x360'),
  ...calls('destination_unreachable', '0+40x360'),
  ...calls('timed_out', '0x300 1x30 2x30'),
  ...calls('not_accepted', '0+0.1x360'),
  ...callDurations(98),
  ...requests('ok', '0+90x360'),
  ...requests('rejected', '0+5x360'),
  ...requests('limited', '0+5x360'),
  ...requests('failed', FEW_ERRORS),
  ...requestDurations(100),
  ...clientCodes('verified', '0+8x360'),
  ...clientCodes('wrong_code', '0+1x360'),
  ...limitReached('cooldown', '0+4x360'),
  ...limitReached('sends_per_day', '0+0.2x360'),
  ...storageDurations(100),
};

/** A counter that grows by one in each of these minutes. */
const countAt = (isCounted: (minute: number) => boolean): string =>
  counterValues(360, (minute) => (isCounted(minute) ? 1 : 0));

const perHour = (count: number): string => countAt((minute) => minute % (60 / count) === 0);

/** The minutes of the night in which one user tries again, because nothing works. */
const isRetry = (minute: number): boolean => [330, 333, 336, 339].includes(minute);

const RETRIES = countAt(isRetry);

/** Observations that are quick four times an hour, and slow at each retry. */
function nightlyHistogram(name: string, labels: Record<string, string>): MetricSeries {
  const bucket = (le: string) => series(`${name}_bucket`, { ...labels, le });
  const all = countAt((minute) => minute % 15 === 0 || isRetry(minute));
  return {
    [series(`${name}_count`, labels)]: all,
    [bucket('0.01')]: perHour(4),
    [bucket('2.5')]: perHour(4),
    [bucket('5')]: all,
    [bucket('+Inf')]: all,
  };
}

/**
 * A night with four requests an hour, none of whose codes is verified in the last hour. Then one user
 * tries four times: the provider fails, the database is slow and fails, and each code is wrong.
 */
export const QUIET_NIGHT: MetricSeries = {
  ...NOTHING_WRONG,
  ...sent('US', perHour(4)),
  ...deliveries(
    'delivered',
    countAt((minute) => minute < 300 && minute % 15 === 5),
  ),
  ...deliveries('unreachable', perHour(2)),
  ...verified(countAt((minute) => minute < 300 && minute % 15 === 5)),
  ...calls('ok', perHour(4)),
  ...calls('server_error', RETRIES),
  ...calls('timed_out', '0x360'),
  ...calls(
    'not_accepted',
    countAt((minute) => minute % 180 === 179),
  ),
  ...nightlyHistogram('otp_provider_call_duration_seconds', SEND),
  ...nightlyHistogram('otp_http_request_duration_seconds', REQUEST),
  ...nightlyHistogram('otp_storage_operation_duration_seconds', RESERVE_SEND),
  ...storageErrors(RETRIES),
  ...requests('ok', perHour(4)),
  ...requests('failed', RETRIES),
  ...requests('unauthenticated', perHour(2), 'none'),
  ...clientCodes('verified', perHour(1)),
  ...clientCodes('wrong_code', RETRIES),
  ...limitReached('failures', RETRIES),
};

/** The values of a counter that counts a single event, in minute 345. */
const ONCE = '0x344 1x15';

/** A healthy service by day, with a single error of each kind for which there is an alert. */
export const ONE_ERROR_OF_EACH_KIND: MetricSeries = {
  ...HEALTHY,
  ...calls('unauthorized', ONCE),
  ...calls('timed_out', ONCE),
  ...requests('failed', ONCE),
  ...deliveries('rejected', ONCE),
  ...deliveries('no_credit', ONCE),
  ...reportsRefused('signature', ONCE),
  ...disagreements(ONCE),
  ...requests('unauthenticated', ONCE, 'none'),
  ...storageErrors(ONCE),
  ...limitReached('client_sends', ONCE),
  ...limitReached('client_wrong_codes', ONCE),
  ...limitReached('failures', ONCE),
  ...limitReached('shared_failures', ONCE),
  ...limitReached('shared_sends_per_day', ONCE),
  ...blocked(ONCE),
  ...ofReplica('otp_log_lines_lost_total', ONCE),
  ...ofReplica('otp_rejections_total', ONCE, UNREADABLE),
  ...ofReplica('otp_events_oldest_waiting_seconds', '0x344 300x15'),
  ...ofReplica('otp_database_connections', '0x344 1 0x14', { state: 'waiting' }),
  ...ofReplica('nodejs_eventloop_lag_p99_seconds', '0.02x344 0.5 0.02x14'),
  ...replicas({ first: '1x344 0 1x14' }),
};
