import type { DatabaseEngine, Options } from './options.js';
import type { Table } from './report.js';
import type { SharedResources } from './running-server.js';

/** Measures something on one engine and returns its tables. */
export type Experiment = (
  engine: DatabaseEngine,
  shared: SharedResources,
  options: Options,
) => Promise<Table[]>;
