import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** The values that each label can have, by the label's name. */
type LabelValues<L extends string> = Readonly<Record<L, readonly string[]>>;

/**
 * Creates a counter.
 * @param labels the names of the labels, or their possible values by name. With values, every
 * series starts with 0.
 */
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

/**
 * Creates a histogram.
 * @param labels the names of the labels, or their possible values by name. With values, every
 * series starts with 0.
 */
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

/** Every combination of the labels' values; none if only the names are given. */
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
