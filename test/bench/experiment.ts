import type { EngineName, Options } from './options.js';
import type { Table } from './report.js';
import type { RunContext } from './running-subject.js';

/** Measures something on one engine and returns its tables. */
export type Experiment = (
  engine: EngineName,
  context: RunContext,
  options: Options,
) => Promise<Table[]>;
