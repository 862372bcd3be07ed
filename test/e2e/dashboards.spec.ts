import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { minutes, seconds } from '../../src/common/durations.js';
import { rules } from '../support/alerts.js';
import { scrape, type Sample } from '../support/metrics.js';
import { startMonitoredFleet, type MonitoredFleet } from '../support/monitored-fleet.js';
import { waitUntil } from '../support/wait-until.js';
import type { Prometheus } from '../support/services/prometheus.js';
import { wrongCode } from '../support/wrong-code.js';

interface Panel {
  readonly id: number;
  readonly title: string;
  readonly gridPos: { x: number; y: number; w: number; h: number };
  readonly targets?: readonly { readonly expr: string }[];
}

const dashboard = JSON.parse(readFileSync('deploy/grafana/dashboard.json', 'utf8')) as {
  panels: Panel[];
};
const OPERATING = readFileSync('docs/operating.md', 'utf8');
const RUNBOOKS = readFileSync('docs/runbooks.md', 'utf8');

const targets = dashboard.panels.flatMap((panel) => panel.targets ?? []);

/** Labels for which a query may name values that this fleet does not have, such as countries. */
const OPEN_LABELS = ['country', 'instance', 'job', 'route', 'status', 'le', 'client', 'provider'];

interface Selector {
  readonly metric: string;
  readonly label: string;
  readonly values: readonly string[];
}

/** The metrics in a query: one entry for each label of a selector, with the label's values. */
function selectors(expr: string): Selector[] {
  return [...expr.matchAll(/\b((?:otp|nodejs|process)_\w+)(?:{([^}]*)})?/g)].flatMap(
    ([, metric = '', selector = '']) => {
      const matchers = [...selector.matchAll(/(\w+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"/g)];
      return matchers.length === 0
        ? [{ metric, label: '', values: [] }]
        : matchers.map(([, label = '', text = '']) => ({ metric, label, values: text.split('|') }));
    },
  );
}

const metricNames = (expr: string): string[] =>
  selectors(expr).map(({ metric }) => metric.replace(/_(bucket|count|sum)$/, ''));

/** A query as Grafana sends it. */
const asSentByGrafana = (expr: string): string =>
  expr.replaceAll('$country', '.*').replaceAll('$__rate_interval', '1m');

jest.setTimeout(minutes(2));

/** The shortest `SEND_COOLDOWN`, and 50 ms more. */
const COOLDOWN_MS = seconds(1.05);

describe('The alert rules and the dashboard on a running fleet', () => {
  let fleet: MonitoredFleet;
  let prometheus: Prometheus;
  let samples: Sample[];
  let lastNumber = 0;

  beforeAll(async () => {
    fleet = await startMonitoredFleet({ SEND_COOLDOWN: '1s' }, makeRequests);
    ({ prometheus } = fleet);
    await waitUntil(async () => (await prometheus.query('otp_sends_total')).length > 0);
    // Requests between two scrapes are an increase, which queries with `rate` need.
    await makeRequests(fleet);
    samples = await scrape(fleet.replicas[0].url);
  });

  afterAll(() => fleet.stop());

  /** Makes on each replica a send, a send within the cooldown, a resend, and two verify requests. */
  async function makeRequests({
    replicas,
    post,
    reportDelivery,
    getLastCode,
  }: Omit<MonitoredFleet, 'prometheus'>): Promise<void> {
    for (const replica of replicas) {
      lastNumber += 1;
      const phoneNumber = `+1415555267${lastNumber}`;
      const pinId = await sendTwiceWithinCooldown(() =>
        post(replica, '/otp/send', { phoneNumber }),
      );
      await delay(COOLDOWN_MS);
      await post(replica, '/otp/resend', { pinId }).expect(200);
      await reportDelivery(replica);
      const otpCode = await getLastCode(phoneNumber);
      await post(replica, '/otp/verify', { pinId, otpCode: wrongCode(otpCode) }).expect(200);
      await post(replica, '/otp/verify', { pinId, otpCode }).expect(200);
    }
  }

  /** Sends until a send comes within the cooldown: on a busy machine the first may come later. */
  async function sendTwiceWithinCooldown(
    send: () => ReturnType<MonitoredFleet['post']>,
  ): Promise<string> {
    let { body } = await send().expect(200);
    for (;;) {
      const response = await send();
      if (response.status === 429) return (body as { pinId: string }).pinId;
      expect(response.status).toBe(200);
      ({ body } = response);
    }
  }

  it.each(targets.map(({ expr }) => expr))('have data for the panel query %s', async (expr) => {
    await waitUntil(async () => (await prometheus.query(asSentByGrafana(expr))).length > 0);
  });

  it('evaluate every rule without an error, and no critical alert fires', async () => {
    const names = rules.map(({ alert, record }) => alert ?? record);
    await waitUntil(async () =>
      (await prometheus.getRules()).every(({ health }) => health !== 'unknown'),
    );

    const evaluated = await prometheus.getRules();
    expect(evaluated.map(({ name }) => name).sort()).toEqual([...names].sort());
    expect(evaluated.filter(({ health }) => health !== 'ok')).toEqual([]);
    const paging = evaluated.filter(({ labels }) => labels?.['severity'] === 'critical');
    expect(paging.map(({ state }) => state)).toEqual(paging.map(() => 'inactive'));
  });

  it('record every series that rules define', async () => {
    for (const { record } of rules) {
      if (record === undefined) continue;
      await waitUntil(async () => (await prometheus.query(record)).length > 0);
    }
  });

  it.each([...rules, ...targets].map(({ expr }) => expr))(
    'query only metrics, labels and values that exist: %s',
    (expr) => {
      const found = selectors(expr);
      // Some queries use only recorded series (`otp:…`) or Prometheus's own `up`.
      expect(found.length + Number(/otp:|up{/.test(expr))).toBeGreaterThan(0);
      for (const { metric, label, values } of found) {
        const series = samples.filter(({ name }) => name === metric);
        expect([metric, series.length > 0]).toEqual([metric, true]);
        if (label === '' || label === 'job') continue;
        const known = new Set(series.map(({ labels }) => labels[label]));
        expect([metric, label, known.has(undefined)]).toEqual([metric, label, false]);
        const unknown = values.filter((value) => !known.has(value));
        if (!OPEN_LABELS.includes(label))
          expect([metric, label, unknown]).toEqual([metric, label, []]);
      }
    },
  );

  it('select by the job what processes of other services export too', () => {
    const selections = [...rules, ...targets].flatMap(
      ({ expr }) => expr.match(/\b(?:nodejs_\w+|process_\w+|up\b)(?:{[^}]*})?/g) ?? [],
    );

    expect(selections.length).toBeGreaterThan(2);
    expect(selections.filter((text) => !text.includes('job="otp-service"'))).toEqual([]);
  });

  const ownMetrics = (): string[] => [
    ...new Set(
      samples
        .filter(({ name }) => name.startsWith('otp_'))
        .map(({ name }) => name.replace(/_(bucket|count|sum)$/, '')),
    ),
  ];

  it('use every metric of the service', () => {
    const usedNames = [...rules, ...targets].flatMap(({ expr }) => metricNames(expr));

    expect(ownMetrics().filter((name) => !usedNames.includes(name))).toEqual([]);
  });

  it('have exactly the metrics that docs/operating.md lists', () => {
    const rows = OPERATING.split('\n').filter((line) => line.startsWith('| `otp_'));
    const listed = rows.flatMap((row) =>
      [...(row.split('|')[1] ?? '').matchAll(/`(\w+)`/g)].map(([, name = '']) => name),
    );

    expect(listed.sort()).toEqual(ownMetrics().sort());
  });

  it('have the panels that docs/runbooks.md names', () => {
    const titles = dashboard.panels.map(({ title }) => title);
    const named = [...RUNBOOKS.matchAll(/(?<=[\s(])_([A-Z][^_]+)_/g)].map(([, name = '']) => name);

    // The pattern still finds the names in the page.
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((name) => !titles.includes(name))).toEqual([]);
  });

  it('have panels that do not overlap', () => {
    const overlapping = dashboard.panels.flatMap((a) =>
      dashboard.panels.filter(
        (b) =>
          a.id < b.id &&
          a.gridPos.x < b.gridPos.x + b.gridPos.w &&
          b.gridPos.x < a.gridPos.x + a.gridPos.w &&
          a.gridPos.y < b.gridPos.y + b.gridPos.h &&
          b.gridPos.y < a.gridPos.y + a.gridPos.h,
      ),
    );

    expect(overlapping).toEqual([]);
  });
});
