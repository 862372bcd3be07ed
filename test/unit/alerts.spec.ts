import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse, stringify } from 'yaml';
import { promtoolPath } from '../support/services/promtool.js';
import {
  callsEndedBy,
  eventLoopLag,
  HEALTHY,
  inFlight,
  logLinesLost,
  openCircuit,
  providerCalls,
  requests,
  requestsFailed,
  series,
  storeOperations,
  verified,
  type MetricSeries,
} from '../support/simulated-metrics.js';

const ALERTS = 'deploy/prometheus/alerts.yaml';

interface Alert {
  readonly alert?: string;
  readonly labels: Record<string, string>;
  readonly annotations: Record<string, string>;
}

const alerts = (
  parse(readFileSync(ALERTS, 'utf8')) as { groups: { rules: Alert[] }[] }
).groups.flatMap(({ rules }) => rules.filter(({ alert }) => alert !== undefined));

const alertNames = alerts.map(({ alert = '' }) => alert);

/** A failure for each alert, and the labels that the alert then has. */
const FAILURES: [alert: string, failure: MetricSeries, labels: Record<string, string>][] = [
  // No code was verified in the last hour.
  ['OtpConversionHalved', verified('0+8x300 2400x60'), { country: 'US' }],
  ['OtpProviderErrors', callsEndedBy('unauthorized', '0+60x360'), { provider: 'infobip' }],
  ['OtpCircuitOpen', openCircuit('0x340 1x20'), { provider: 'infobip', operation: 'send' }],
  ['OtpAmbiguousSends', callsEndedBy('timed_out', '0+4x360'), { provider: 'infobip' }],
  ['OtpProviderSlow', providerCalls(180), { provider: 'infobip', operation: 'send' }],
  [
    'OtpDestinationBlocked',
    {
      [series('otp_fraud_checks_total', {
        country: 'LV',
        scope: 'prefix',
        decision: 'blocked',
      })]: '0x350 1+1x10',
    },
    { country: 'LV', scope: 'prefix' },
  ],
  ['OtpAbsent', inFlight('2x340 _x20'), {}],
  ['OtpErrors', requestsFailed('0+11x360'), { route: '/otp/send' }],
  ['OtpSlow', requests(90), { route: '/otp/send' }],
  ['OtpStorageSlow', storeOperations(95), {}],
  [
    'OtpStorageErrors',
    {
      [series('otp_storage_operation_duration_seconds_count', {
        operation: 'reserveSend',
        outcome: 'failed',
      })]: '0x350 0+10x10',
    },
    {},
  ],
  ['OtpEventLoopLag', eventLoopLag('0.5x360'), { instance: 'a' }],
  ['OtpLogLinesLost', logLinesLost('0x350 0+5x10'), { instance: 'a' }],
];

/** The alert with these labels in the format of promtool. */
function firedAlert(name: string, labels: Record<string, string>): object {
  const alert = alerts.find((candidate) => candidate.alert === name);
  const annotations = Object.entries(alert?.annotations ?? {}).map(([key, text]) => [
    key,
    text.replace(/{{ \$labels\.(\w+) }}/g, (_all, label: string) => labels[label] ?? ''),
  ]);
  return {
    exp_labels: { ...alert?.labels, ...labels },
    exp_annotations: Object.fromEntries(annotations) as object,
  };
}

/** A promtool test: after six hours of these metrics only this alert fires. */
const alertTest = (name: string, metrics: MetricSeries, fires?: [string, object]) => ({
  name,
  interval: '1m',
  input_series: Object.entries(metrics).map(([text, values]) => ({ series: text, values })),
  alert_rule_test: alertNames.map((alertname) => ({
    eval_time: '6h',
    alertname,
    exp_alerts: alertname === fires?.[0] ? [fires[1]] : [],
  })),
});

describe('Prometheus alerts', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'otp-alerts-'));
    cpSync(ALERTS, join(folder, 'alerts.yaml'));
  });

  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  /** @throws Error with the output of promtool if a test fails */
  async function runPromtool(...tests: object[]): Promise<void> {
    const file = join(folder, 'tests.yaml');
    writeFileSync(
      file,
      stringify(
        { rule_files: ['alerts.yaml'], evaluation_interval: '1m', tests },
        { aliasDuplicateObjects: false },
      ),
    );
    const { stdout } = await promisify(execFile)(await promtoolPath(), ['test', 'rules', file]);
    expect(stdout).toContain('SUCCESS');
  }

  it(
    'do not fire while the service is healthy',
    () => runPromtool(alertTest('healthy', HEALTHY)),
    600_000,
  );

  it.each(FAILURES)('%s fires alone for its failure', (alert, failure, labels) =>
    runPromtool(alertTest(alert, { ...HEALTHY, ...failure }, [alert, firedAlert(alert, labels)])),
  );

  it('are all covered by a test', () => {
    expect(FAILURES.map(([alert]) => alert).sort()).toEqual([...alertNames].sort());
  });
});
