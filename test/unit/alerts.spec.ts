import { existsSync, readFileSync } from 'node:fs';
import { SETTING_NAMES } from '../../src/config/config.module.js';
import {
  alertNames,
  alertRules,
  alertTest,
  runPromtool,
  type ExpectedAlerts,
  type FiringAlert,
} from '../support/alerts.js';
import { anchorsOf } from '../support/anchors.js';
import {
  ABANDONED,
  blocked,
  callDurations,
  calls,
  clientCodes,
  deliveries,
  disagreements,
  HEALTHY,
  inNamespace,
  limitReached,
  ofReplica,
  ONE_ERROR_OF_EACH_KIND,
  openCircuit,
  QUIET_NIGHT,
  redisUp,
  replicas,
  reportsRefused,
  requestDurations,
  requests,
  storageDurations,
  storageErrors,
  UNREADABLE,
  verified,
  type MetricSeries,
} from '../support/simulated-metrics.js';

const PROVIDER = { provider: 'infobip' };
const SEND = { ...PROVIDER, operation: 'send' };
const A = { instance: 'a' };
const B = { instance: 'b' };

/**
 * For each alert: metrics of a failure, the labels that the alert then has, and other alerts that fire.
 * The values are in promtool's notation, one a minute for six hours.
 */
const FAILURES: [
  alert: string,
  failure: MetricSeries,
  labels: Record<string, string>,
  also?: readonly FiringAlert[],
][] = [
  // No code was verified in the last hour.
  ['OtpConversionHalved', verified('0+8x300 2400x60'), { country: 'US' }],
  ['OtpProviderErrors', calls('throttled', '0x350 0+60x10'), PROVIDER],
  ['OtpProviderCredentialsRefused', calls('unauthorized', '0x350 0+1x10'), PROVIDER],
  ['OtpProviderCreditRefused', calls('not_accepted', '0x340 0+50x20'), PROVIDER],
  ['OtpCircuitOpen', openCircuit('0x340 1x20'), { ...SEND, channel: 'sms' }],
  ['OtpAmbiguousSends', calls('timed_out', '0+4x360'), PROVIDER],
  [
    'OtpDeliveryRateFell',
    { ...deliveries('delivered', '0+7x300 2100x60'), ...deliveries('unreachable', '0+9x360') },
    { ...PROVIDER, country: 'US' },
  ],
  ['OtpDeliveriesRejected', deliveries('rejected', '0x340 0+4x20'), PROVIDER],
  ['OtpDeliveryCreditUsedUp', deliveries('no_credit', '0x350 0+1x10'), PROVIDER],
  [
    'OtpDeliveryReportsRefused',
    reportsRefused('signature', '0x350 0+2x10'),
    { ...PROVIDER, reason: 'signature' },
  ],
  ['OtpProviderDisagrees', disagreements('0x350 0+1x10'), { provider: 'sinch' }],
  ['OtpProviderSlow', callDurations(90), SEND],
  ['OtpDestinationBlocked', blocked('0x350 0+1x10'), { country: 'LV', scope: 'prefix' }],
  ['OtpGuessAttack', clientCodes('wrong_code', '0x340 0+20x20'), { client: 'shop' }],
  [
    'OtpNumberLockedOut',
    limitReached('shared_failures', '0x350 0+1x10'),
    { limit: 'shared_failures' },
  ],
  [
    'OtpNumberLockedOut',
    limitReached('shared_sends_per_day', '0x350 0+1x10'),
    { limit: 'shared_sends_per_day' },
  ],
  [
    'OtpNumberLockedOut',
    limitReached('shared_flood_filter', '0x350 0+1x10'),
    { limit: 'shared_flood_filter' },
  ],
  ['OtpNumberLockedOut', limitReached('failures', '0x345 0+1x15'), { limit: 'failures' }],
  [
    'OtpLimitsReached',
    limitReached('failures', '0x345 0+5x15'),
    { limit: 'failures' },
    [{ alert: 'OtpNumberLockedOut', labels: { limit: 'failures' } }],
  ],
  [
    'OtpLimitsReached',
    limitReached('rate_limit_send', '0x345 0+50x15'),
    { limit: 'rate_limit_send' },
  ],
  ['OtpClientSendsUsedUp', limitReached('client_sends', '0x350 0+1x10'), {}],
  ['OtpClientWrongCodesUsedUp', limitReached('client_wrong_codes', '0x350 0+1x10'), {}],
  ['OtpKeysRejected', requests('unauthenticated', '0x345 0+20x15', 'none'), {}],
  [
    'OtpAbsent',
    {
      ...ofReplica('otp_build_info', '1x340 _x20', { version: '0.1.0' }),
      ...ofReplica('up', '1x340 0x20'),
      ...ofReplica('up', '1x340 0x20', B),
    },
    {},
    [
      { alert: 'OtpReplicaUnready', labels: A },
      { alert: 'OtpReplicaUnready', labels: B },
    ],
  ],
  [
    'OtpDatabaseLost',
    replicas({ first: '1x350 0x10', second: '1x350 0x10' }),
    {},
    [
      { alert: 'OtpReplicaUnready', labels: A },
      { alert: 'OtpReplicaUnready', labels: B },
    ],
  ],
  [
    'OtpRedisLost',
    redisUp({ first: '1x350 0x10', second: '1x350 0x10' }),
    {},
    [
      { alert: 'OtpReplicaUnready', labels: A },
      { alert: 'OtpReplicaUnready', labels: B },
    ],
  ],
  ['OtpReplicaUnready', replicas({ second: '1x340 0x20' }), B],
  ['OtpReplicaUnready', redisUp({ second: '1x340 0x20' }), B],
  ['OtpReplicaUnready', ofReplica('up', '1x340 0x20', B), B],
  [
    'OtpErrorBudgetBurnsFast',
    requests('failed', '0x330 0+5x30'),
    {},
    [{ alert: 'OtpErrorBudgetBurnsSlowly' }],
  ],
  ['OtpErrorBudgetBurnsSlowly', requests('failed', '0+0.4x360'), {}],
  [
    'OtpLatencyBudgetBurnsFast',
    requestDurations(80),
    {},
    [{ alert: 'OtpLatencyBudgetBurnsSlowly' }],
  ],
  ['OtpLatencyBudgetBurnsSlowly', requestDurations(96), {}],
  ['OtpStorageSlow', storageDurations(95), {}],
  ['OtpStoredDataUnreadable', ofReplica('otp_rejections_total', '0x350 0+1x10', UNREADABLE), {}],
  ['OtpStorageErrors', storageErrors('0x350 0+10x10'), {}],
  [
    'OtpConnectionsUsedUp',
    ofReplica('otp_database_connections', '0x350 5x10', { state: 'waiting' }),
    A,
  ],
  ['OtpEventLoopLag', ofReplica('nodejs_eventloop_lag_p99_seconds', '0.5x360'), A],
  ['OtpClientsFileInvalid', ofReplica('otp_clients_file_valid', '1x340 0x20'), A],
  // The other replica has never completed a cleanup.
  [
    'OtpCleanupFails',
    ofReplica('otp_cleanup_last_success_timestamp_seconds', '0+60x280 16800x80'),
    {},
  ],
  ['OtpEventsLate', ofReplica('otp_events_oldest_waiting_seconds', '0x340 1000x20'), {}],
  ['OtpEventsAbandoned', ofReplica('otp_events_total', '0x350 0+1x10', ABANDONED), {}],
  ['OtpLogLinesLost', ofReplica('otp_log_lines_lost_total', '0x350 0+5x10'), A],
];

/** No alert fires after three hours, nor in any minute of the last hour. */
const QUIET: ExpectedAlerts[] = [180, ...Array.from({ length: 61 }, (_, i) => 300 + i)].map(
  (minute) => ({ at: `${minute}m`, firing: [] }),
);

describe('Prometheus alerts', () => {
  it.each([
    ['while the service is healthy', HEALTHY],
    ['after one error of each kind', ONE_ERROR_OF_EACH_KIND],
    ['on a quiet night with a few errors', QUIET_NIGHT],
  ])(
    'do not fire %s',
    (name, metrics) => runPromtool([alertTest(name, metrics, QUIET)], 1),
    600_000,
  );

  it.each(FAILURES)(
    '%s fires for its failure in a namespace beside a healthy one, and no unrelated alert fires',
    (alert, failure, labels, also = []) => {
      const metrics = {
        ...inNamespace('staging', HEALTHY),
        ...inNamespace('production', { ...HEALTHY, ...failure }),
      };
      const firing = [{ alert, labels }, ...also].map((fired) => ({
        ...fired,
        labels: { ...fired.labels, namespace: 'production' },
      }));
      return runPromtool([alertTest(alert, metrics, [{ at: '6h', firing }])]);
    },
  );

  it.each(FAILURES.filter(([alert]) => ['OtpAbsent', 'OtpStorageErrors'].includes(alert)))(
    '%s fires without the label of a namespace, too',
    (alert, failure, labels, also = []) => {
      const firing = [{ alert, labels }, ...also];
      return runPromtool([alertTest(alert, { ...HEALTHY, ...failure }, [{ at: '6h', firing }])]);
    },
  );

  it('do not fire for a circuit that gets no further call after the provider has recovered', () =>
    runPromtool([
      alertTest(
        'a circuit without calls',
        { ...replicas(), ...calls('server_error', '0+1x340 340x20'), ...openCircuit('0x340 1x20') },
        [{ at: '6h', firing: [] }],
      ),
    ]));

  it('have a heading each in docs/runbooks.md, which names only alerts and settings that exist', () => {
    const page = readFileSync('docs/runbooks.md', 'utf8');
    const headings = [...page.matchAll(/^### (.*)$/gm)].map(([, heading = '']) => heading);
    const settings = [...page.matchAll(/`([A-Z][A-Z_]+)`/g)].map(([, name = '']) => name);

    expect(headings.sort()).toEqual([...alertNames].sort());
    expect(settings.length).toBeGreaterThan(10);
    expect(settings.filter((name) => !SETTING_NAMES.includes(name))).toEqual([]);
  });

  it('are all covered by a test', () => {
    expect([...new Set(FAILURES.map(([alert]) => alert))].sort()).toEqual([...alertNames].sort());
  });

  it.each(alertRules)(
    '%s has a severity, a summary, a description and a runbook',
    (_name, rule) => {
      const { summary, description, runbook_url: runbook = '' } = rule.annotations ?? {};
      const [page = '', anchor = ''] = runbook.split('#');

      expect(rule.labels?.['severity']).toMatch(/^(critical|warning)$/);
      expect([summary, description]).toEqual([
        expect.stringMatching(/\S/),
        expect.stringMatching(/\S/),
      ]);
      expect(existsSync(page) ? anchorsOf(page) : []).toContain(anchor);
    },
  );
});
