import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** The values that a label can have. */
type LabelValues<L extends string> = Readonly<Record<L, readonly string[]>>;

/** Creates a counter, whose series start with 0 where the values of its labels are known. */
export function createCounter<L extends string>(
  registry: Registry,
  name: string,
  help: string,
  labels: readonly L[] | LabelValues<L>,
): Counter<L> {
  const labelNames = getNames(labels);
  const counter = new Counter({ name, help, labelNames, registers: [registry] });
  for (const values of combine(labels)) counter.inc(values, 0);
  return counter;
}

export function createGauge<L extends string>(
  registry: Registry,
  name: string,
  help: string,
  labelNames: readonly L[],
  collect?: () => Promise<void> | void,
): Gauge<L> {
  const options = { name, help, labelNames: [...labelNames], registers: [registry] };
  return new Gauge(collect ? { ...options, collect } : options);
}

/** Creates a histogram, whose series start with 0 where the values of its labels are known. */
export function createHistogram<L extends string>(
  registry: Registry,
  name: string,
  help: string,
  labels: readonly L[] | LabelValues<L>,
  buckets: number[],
): Histogram<L> {
  const labelNames = getNames(labels);
  const histogram = new Histogram({ name, help, labelNames, buckets, registers: [registry] });
  for (const values of combine(labels)) histogram.zero(values);
  return histogram;
}

const getNames = <L extends string>(labels: readonly L[] | LabelValues<L>): L[] =>
  isNames(labels) ? [...labels] : (Object.keys(labels) as L[]);

const isNames = <L extends string>(labels: readonly L[] | LabelValues<L>): labels is readonly L[] =>
  Array.isArray(labels);

/** Every combination of the values; none where only the names of the labels are known. */
function combine<L extends string>(labels: readonly L[] | LabelValues<L>): Record<L, string>[] {
  if (isNames(labels)) return [];
  return getNames(labels).reduce<Record<L, string>[]>(
    (combinations, name) =>
      labels[name].flatMap((value) =>
        combinations.map((combination) => ({ ...combination, [name]: value })),
      ),
    [{} as Record<L, string>],
  );
}
