/** Metrics over six hours, one value per minute, in the notation of promtool's unit tests. */
export type MetricSeries = Readonly<Record<string, string>>;

/** Writes a series with its labels. */
export const series = (name: string, labels: Record<string, string>): string =>
  `${name}{${Object.entries(labels)
    .map(([label, value]) => `${label}="${value}"`)
    .join(',')}}`;

/** A histogram with `perMinute` observations, `below` of which are under the lower bound. */
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

const US = { country: 'US', channel: 'sms', provider: 'infobip' };
const SEND = { provider: 'infobip', operation: 'send' };
const INSTANCE = { job: 'otp-service', instance: 'a' };
const REQUEST = { method: 'POST', route: '/otp/send', status: '200' };
const ADMIT = { operation: 'reserveSend', outcome: 'ok' };

export const providerCalls = (below: number): MetricSeries =>
  histogram('otp_provider_call_duration_seconds', { ...SEND, outcome: 'ok' }, 200, ['0.3', below]);

export const requests = (below: number): MetricSeries =>
  histogram('otp_http_request_duration_seconds', REQUEST, 100, ['0.5', below]);

export const storeOperations = (below: number): MetricSeries =>
  histogram('otp_storage_operation_duration_seconds', ADMIT, 100, ['0.01', below]);

/** Provider calls with this outcome. */
export const callsEndedBy = (outcome: string, values: string): MetricSeries => ({
  [series('otp_provider_call_duration_seconds_count', { ...SEND, outcome })]: values,
});

/** Verified codes. */
export const verified = (values: string): MetricSeries => ({
  [series('otp_verifications_total', { ...US, outcome: 'verified' })]: values,
});

export const openCircuit = (values: string): MetricSeries => ({
  [series('otp_provider_circuit_state', { ...SEND, state: 'open' })]: values,
});

export const requestsFailed = (values: string): MetricSeries => ({
  [series('otp_http_request_duration_seconds_count', { ...REQUEST, status: '502' })]: values,
});

export const inFlight = (values: string): MetricSeries => ({
  [series('otp_http_requests_in_flight', INSTANCE)]: values,
});

export const eventLoopLag = (values: string): MetricSeries => ({
  [series('nodejs_eventloop_lag_p99_seconds', INSTANCE)]: values,
});

export const logLinesLost = (values: string): MetricSeries => ({
  [series('otp_log_lines_lost_total', INSTANCE)]: values,
});

/**
 * A healthy service: 80 % of the codes are verified, some numbers are unreachable, one provider call
 * times out, and 1 % of the requests fail.
 */
export const HEALTHY: MetricSeries = {
  ...inFlight('2x360'),
  ...eventLoopLag('0.02x360'),
  ...logLinesLost('0x360'),
  [series('otp_sends_total', { ...US, outcome: 'accepted' })]: '0+10x360',
  ...verified('0+8x360'),
  // Too few messages for an alert, and none of them is verified.
  [series('otp_sends_total', { ...US, country: 'LI', outcome: 'accepted' })]:
    '0x180 1+0x60 2+0x120',
  ...providerCalls(190),
  ...callsEndedBy('destination_unreachable', '0+40x360'),
  ...callsEndedBy('timed_out', '0x355 1x5'),
  ...openCircuit('0x360'),
  [series('otp_fraud_checks_total', {
    country: 'US',
    scope: '',
    decision: 'allowed',
  })]: '0+10x360',
  ...requests(99),
  ...requestsFailed('0+1x360'),
  ...storeOperations(100),
  [series('otp_storage_operation_duration_seconds_count', {
    operation: 'reserveSend',
    outcome: 'failed',
  })]: '0x360',
};
