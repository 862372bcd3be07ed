import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Options } from './options.js';
import { timeByPlace } from './profile-summary.js';
import type { Line, Table } from './report.js';
import type { BenchCase } from './rounds.js';
import { OPERATIONS, type Operation } from './load-job.js';

/** Places below this share of the time are added up in one line. */
const MIN_SHARE = 0.01;

const ALL = 'all';
const REST = 'the rest';

/**
 * Writes a CPU profile of each operation of each server and variant, with the first number of
 * connections and body size, and summarizes the time by place.
 */
export async function profileEach(
  engine: string,
  cases: readonly BenchCase[],
  { count, profiles: folder, connections, bodies }: Options,
): Promise<Table[]> {
  if (folder === undefined) return [];
  mkdirSync(folder, { recursive: true });
  const requests = 2 * count;
  const lines: Line[] = [];
  const profiled = cases.filter(
    ({ loadOptions }) =>
      loadOptions.connections === connections[0] && loadOptions.bodyBytes === bodies[0],
  );
  for (const { running, name, loadOptions, operations } of profiled) {
    const sums = new Map<Operation, ReadonlyMap<string, number>>();
    for (const operation of operations) {
      const title = `${engine} ${name} ${operation}`.replaceAll(/[^a-z]+/gi, '-');
      const file = join(folder, `${title}.cpuprofile`);
      await running.profile({ ...loadOptions, operation, count: requests }, file);
      sums.set(operation, timeByPlace(file, requests));
    }
    for (const { place, micros } of placesOf(sums)) {
      lines.push({
        cells: [engine, name, place, ...micros.map((value) => value.toFixed(1))],
        data: { engine, name, ...loadOptions, place, micros },
      });
    }
  }
  const head = ['engine', 'server', 'where', ...OPERATIONS.map((operation) => `${operation} µs`)];
  return [{ title: 'CPU time by package, folder and module', head, lines }];
}

interface Place {
  readonly place: string;
  /** By operation, in the order of `OPERATIONS`. */
  readonly micros: readonly number[];
}

/** The sum of all, then the places by time, then the rest. */
function placesOf(sums: ReadonlyMap<Operation, ReadonlyMap<string, number>>): Place[] {
  const names = new Set([...sums.values()].flatMap((sum) => [...sum.keys()]));
  const places = [...names]
    .map((place) => ({ place, micros: OPERATIONS.map((name) => sums.get(name)?.get(place) ?? 0) }))
    .sort((a, b) => total(b.micros) - total(a.micros));
  const all = sumOf(ALL, places);
  const isLarge = ({ micros }: Place) =>
    micros.some((value, i) => value > MIN_SHARE * (all.micros[i] ?? 0));
  const small = places.filter((place) => !isLarge(place));
  return [all, ...places.filter(isLarge), sumOf(REST, small)];
}

const sumOf = (place: string, places: readonly Place[]): Place => ({
  place,
  micros: OPERATIONS.map((_name, i) => total(places.map(({ micros }) => micros[i] ?? 0))),
});

const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
