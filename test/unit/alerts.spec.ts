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
  openCircuit,
  providerCalls,
  requests,
  requestsFailed,
  series,
  storeOperations,
  verified,
  type Simulation,
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

/** What ails the service, and whom the alert then names. */
const ILLS: [alert: string, ill: Simulation, labels: Record<string, string>][] = [
  // In the last hour nobody types a code any more.
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
];

/** The alert with these labels, as Prometheus sends it. */
function sent(name: string, labels: Record<string, string>): object {
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

/** After six hours of these metrics, only this alert is sent. */
const expecting = (name: string, metrics: Simulation, fires?: [string, object]) => ({
  name,
  interval: '1m',
  input_series: Object.entries(metrics).map(([text, values]) => ({ series: text, values })),
  alert_rule_test: alertNames.map((alertname) => ({
    eval_time: '6h',
    alertname,
    exp_alerts: alertname === fires?.[0] ? [fires[1]] : [],
  })),
});

describe('The alerts', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'otp-alerts-'));
    cpSync(ALERTS, join(folder, 'alerts.yaml'));
  });

  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  /** @throws Error with what promtool says, if a test fails. */
  async function promtool(...tests: object[]): Promise<void> {
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

  it('are quiet while all is well', () => promtool(expecting('healthy', HEALTHY)), 600_000);

  it.each(ILLS)('%s, and no other, fires on what it is for', (alert, ill, labels) =>
    promtool(expecting(alert, { ...HEALTHY, ...ill }, [alert, sent(alert, labels)])),
  );

  it('are each tried', () => {
    expect(ILLS.map(([alert]) => alert).sort()).toEqual([...alertNames].sort());
  });
});
