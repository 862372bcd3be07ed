import { type Counter, Histogram } from 'prom-client';

/**
 * Starts every series of a metric with 0, so that Prometheus sees its first value as an increase.
 * @param values the values that each label can have, by the label's name
 */
export function startAtZero<L extends string>(
  metric: Counter<L> | Histogram<L>,
  values: Readonly<Record<L, readonly string[]>>,
): void {
  for (const labels of combine(values)) {
    if (metric instanceof Histogram) metric.zero(labels);
    else metric.inc(labels, 0);
  }
}

/** Every combination of the labels' values. */
const combine = <L extends string>(values: Readonly<Record<L, readonly string[]>>) =>
  Object.entries<readonly string[]>(values).reduce(
    (combinations, [name, options]) =>
      options.flatMap((value) => combinations.map((labels) => ({ ...labels, [name]: value }))),
    [{} as Record<L, string>],
  );
