import type { EngineName, Options } from './options.js';
import type { Table } from './report.js';
import type { Stage } from './running-subject.js';

/** Something to be found out, on each engine for itself. */
export type Experiment = (engine: EngineName, stage: Stage, options: Options) => Promise<Table[]>;
