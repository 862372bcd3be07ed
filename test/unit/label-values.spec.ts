import { readFileSync } from 'node:fs';
import {
  BUDGET_SCOPES,
  CHECK_OUTCOMES,
  CIRCUIT_STATES,
  FRAUD_DECISIONS,
  LIMITS,
  PROVIDER_FAILURES,
  REPORT_REFUSALS,
  SEND_OUTCOMES,
  VERIFICATION_CLOSED_REASONS,
} from '../../src/common/label-values.js';

const RUNBOOKS = 'docs/runbooks.md';
const METRICS = 'docs/operating.md';

/** Why a verification is closed: the runbooks and the metrics link to the page that says it. */
const isClosedReason = (value: string) =>
  (VERIFICATION_CLOSED_REASONS as readonly string[]).includes(value);

const VALUES: [label: string, page: string, values: readonly string[]][] = [
  ['limit', RUNBOOKS, LIMITS],
  ['outcome of a provider call', RUNBOOKS, PROVIDER_FAILURES],
  ['scope of a fraud budget', RUNBOOKS, BUDGET_SCOPES],
  ['reason of a refused report', RUNBOOKS, REPORT_REFUSALS],
  ['outcome of a send', METRICS, SEND_OUTCOMES],
  ['outcome of a check', METRICS, CHECK_OUTCOMES.filter((value) => !isClosedReason(value))],
  ['reason of a closed verification', 'docs/troubleshooting.md', VERIFICATION_CLOSED_REASONS],
  ['decision of a fraud check', METRICS, FRAUD_DECISIONS],
  ['state of a circuit breaker', METRICS, CIRCUIT_STATES],
];

describe('The documentation for operators', () => {
  it.each(VALUES)('explains every value of the label: %s, in %s', (_label, page, values) => {
    const text = readFileSync(page, 'utf8');

    expect(values.filter((value) => !text.includes(`\`${value}\``))).toEqual([]);
  });
});
