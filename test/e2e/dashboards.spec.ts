import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { startSandboxedService } from '../support/service.js';

interface Panel {
  readonly id: number;
  readonly gridPos: { x: number; y: number; w: number; h: number };
  readonly targets?: readonly { readonly expr: string }[];
}

const alerts = parse(readFileSync('deploy/prometheus/alerts.yaml', 'utf8')) as {
  groups: { rules: { record?: string; expr: string }[] }[];
};
const dashboard = JSON.parse(readFileSync('deploy/grafana/dashboard.json', 'utf8')) as {
  panels: Panel[];
};

const rules = alerts.groups.flatMap((group) => group.rules);
const targets = dashboard.panels.flatMap((panel) => panel.targets ?? []);

/** The metrics in a query, each with the labels of its selector. */
function selectors(expr: string): [metric: string, labels: string[]][] {
  return [...expr.matchAll(/\b((?:otp|nodejs|process)_\w+)(?:{([^}]*)})?/g)].map(
    ([, metric = '', selector = '']) => [
      metric,
      [...selector.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label = '']) => label),
    ],
  );
}

describe('The alert rules and the dashboard', () => {
  /** The labels of each metric at `/metrics`, after a send, a rejected send, a resend and a verify. */
  const labelsByMetric = new Map<string, Set<string>>();

  beforeAll(async () => {
    const service = await startSandboxedService();
    for (const number of ['+14155552671', '+14155552672']) {
      const { pinId } = (await service.http.post('/otp/send').send({ phoneNumber: number })).body;
      await service.http.post('/otp/send').send({ phoneNumber: number });
      service.clock.advance(60_000);
      await service.http.post('/otp/resend').send({ pinId });
      const [otpCode] = await service.getReceivedCodes(number);
      await service.http.post('/otp/verify').send({ pinId, otpCode });
    }
    const { text } = await service.http.get('/metrics');
    await service.close();
    for (const [, name = ''] of text.matchAll(/^# TYPE (\w+) /gm))
      labelsByMetric.set(name, new Set());
    for (const [, name = '', labels = ''] of text.matchAll(/^(\w+){(.*)} /gm)) {
      const all = labelsByMetric.get(name) ?? new Set(['job', 'instance']);
      for (const [, label = ''] of labels.matchAll(/(\w+)="/g)) all.add(label);
      labelsByMetric.set(name, all);
    }
  });

  it.each([...rules.map(({ expr }) => expr), ...targets.map(({ expr }) => expr)])(
    'query only metrics and labels that exist: %s',
    (expr) => {
      expect(selectors(expr).length + Number(expr.includes('otp:'))).toBeGreaterThan(0);
      for (const [metric, labels] of selectors(expr)) {
        const known = labelsByMetric.get(metric);
        expect([metric, known]).toEqual([metric, expect.any(Set)]);
        // A metric without samples shows no labels.
        if (known?.size) {
          expect([...known, 'job', 'instance']).toEqual(expect.arrayContaining(labels));
        }
      }
    },
  );

  it('use every metric of the service', () => {
    const used = [...rules, ...targets].flatMap(({ expr }) =>
      selectors(expr).map(([metric]) => metric.replace(/_(bucket|count|sum)$/, '')),
    );
    const own = [...labelsByMetric.keys()]
      .filter((name) => name.startsWith('otp_'))
      .map((name) => name.replace(/_(bucket|count|sum)$/, ''));

    expect([...new Set(own)].filter((name) => !used.includes(name))).toEqual([]);
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
