import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse, stringify } from 'yaml';
import { promtoolPath } from './services/promtool.js';
import type { MetricSeries } from './simulated-metrics.js';

/** The folder of the rules that operators load into Prometheus. */
export const RULES_FOLDER = 'deploy/prometheus';

const ruleFiles = readdirSync(RULES_FOLDER).filter((name) => name.endsWith('.yaml'));

interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly labels?: Record<string, string>;
  readonly annotations?: Record<string, string>;
}

/** Every alerting and recording rule of these files. */
export const rules = ruleFiles.flatMap((name) =>
  (
    parse(readFileSync(join(RULES_FOLDER, name), 'utf8')) as { groups: { rules: Rule[] }[] }
  ).groups.flatMap((group) => group.rules),
);

const alerts = new Map(rules.flatMap((rule) => (rule.alert ? [[rule.alert, rule] as const] : [])));

export const alertNames = [...alerts.keys()];

/** The name and the rule of each alert. */
export const alertRules = [...alerts.entries()];

/** An alert that fires, and the labels of its series. */
export interface FiringAlert {
  readonly alert: string;
  readonly labels?: Record<string, string>;
}

/** The alerts that fire at one time. */
export interface ExpectedAlerts {
  /** The time since the first sample of the metrics, such as `5h30m`. */
  readonly at: string;
  readonly firing: readonly FiringAlert[];
}

/** A promtool test: at each of these times, exactly the expected alerts fire. */
export const alertTest = (
  name: string,
  metrics: MetricSeries,
  expected: readonly ExpectedAlerts[],
) => ({
  name,
  interval: '1m',
  input_series: Object.entries(metrics).map(([series, values]) => ({ series, values })),
  alert_rule_test: expected.flatMap(({ at, firing }) =>
    alertNames.map((alertname) => ({
      eval_time: at,
      alertname,
      exp_alerts: firing.filter(({ alert }) => alert === alertname).map(toPromtoolAlert),
    })),
  ),
});

/** The alert with these labels in the format of promtool. */
function toPromtoolAlert({ alert, labels = {} }: FiringAlert): object {
  const rule = alerts.get(alert);
  const annotations = Object.entries(rule?.annotations ?? {}).map(([key, text]) => [
    key,
    text.replace(/{{ \$labels\.(\w+) }}/g, (_all, label: string) => labels[label] ?? ''),
  ]);
  return {
    exp_labels: { ...rule?.labels, ...labels },
    exp_annotations: Object.fromEntries(annotations) as object,
  };
}

/**
 * Runs tests of alerts with promtool.
 * @param intervalMinutes how often rules are evaluated
 * @throws Error with the output of promtool if a test fails
 */
export async function runPromtool(tests: object[], intervalMinutes = 5): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'otp-alerts-'));
  try {
    cpSync(RULES_FOLDER, folder, { recursive: true });
    const file = join(folder, 'tests.yaml');
    const suite = {
      rule_files: ruleFiles,
      evaluation_interval: `${intervalMinutes}m`,
      tests,
    };
    writeFileSync(file, stringify(suite, { aliasDuplicateObjects: false }));
    await promisify(execFile)(await promtoolPath(), ['test', 'rules', file]);
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`promtool: ${stdout}${stderr}${String(error)}`.slice(0, 5000), {
      cause: error,
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
