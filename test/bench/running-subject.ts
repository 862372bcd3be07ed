import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../support/free-port.js';
import { newFolder, removeFolder } from './folders.js';
import type { ProbeQuestion, Usage } from './probe.js';
import { Remote } from './remote.js';
import type { Manner, Slice, SliceResult } from './slice.js';
import type { Subject, Surroundings } from './subjects.js';

const PROBE = join(import.meta.dirname, 'probe.js');
const START_MS = 30_000;
const POLL_MS = 2;

/** What a slice cost and how it went. */
export interface Measurement extends SliceResult {
  /** User and system of the subject's process. */
  readonly cpuMicrosPerRequest: number;
}

/** What one run of the bench has in common. */
export interface Stage {
  readonly upstream: string;
  readonly load: Remote;
  /** As many numbers that nobody has been texted at. @returns the first of them. */
  takeNumbers(count: number): number;
}

type Share = Manner & Pick<Slice, 'operation' | 'count'>;

/** A subject whose process runs and answers. */
export class RunningSubject {
  private constructor(
    readonly subject: Subject,
    readonly url: string,
    readonly startMs: number,
    private readonly stage: Stage,
    private readonly remote: Remote,
    /** To be removed with it. */
    private readonly ownFolder: string | undefined,
  ) {}

  /** @param records where it keeps them; in a folder of its own that ends with it, if nothing is said. */
  static async start(
    subject: Subject,
    stage: Stage,
    records: Partial<Pick<Surroundings, 'folder' | 'databaseUrl'>>,
  ): Promise<RunningSubject> {
    const ownFolder = records.folder === undefined ? newFolder() : undefined;
    const surroundings: Surroundings = {
      port: await freePort(),
      upstream: stage.upstream,
      folder: records.folder ?? ownFolder ?? '',
      databaseUrl: records.databaseUrl,
    };
    const url = `http://127.0.0.1:${String(surroundings.port)}`;
    const began = performance.now();
    const remote = Remote.start({ ...subject.launch(surroundings), preload: PROBE });
    while (!(await answers(url))) {
      if (remote.ended) throw new Error(remote.obituary);
      if (performance.now() - began > START_MS) throw new Error(`${url} does not answer`);
      await delay(POLL_MS);
    }
    const startMs = performance.now() - began;
    return new RunningSubject(subject, url, startMs, stage, remote, ownFolder);
  }

  get name(): string {
    return this.subject.variants[0]?.name ?? '';
  }

  async run(share: Share): Promise<Measurement> {
    const { dialect, bearer } = this.subject;
    const firstNumber = this.stage.takeNumbers(share.count);
    const slice: Slice = { ...share, url: this.url, dialect, bearer, firstNumber };
    const before = await this.usage();
    const seen = await this.stage.load.ask<SliceResult>(slice);
    const after = await this.usage();
    return {
      ...seen,
      cpuMicrosPerRequest: (after.cpuMicros - before.cpuMicros) / share.count,
    };
  }

  /** As {@link run}, with a CPU profile of it in `file`. */
  async profile(share: Share, file: string): Promise<void> {
    await this.probe({ kind: 'start-profile' });
    await this.run(share);
    await this.probe({ kind: 'stop-profile', file });
  }

  usage(): Promise<Usage> {
    return this.probe<Usage>({ kind: 'usage' });
  }

  async stop(): Promise<void> {
    await this.remote.stop();
    if (this.ownFolder !== undefined) removeFolder(this.ownFolder);
  }

  private probe<T>(question: ProbeQuestion): Promise<T> {
    return this.remote.ask<T>(question);
  }
}

async function answers(url: string): Promise<boolean> {
  return fetch(`${url}/health/live`).then(
    async (answer) => {
      await answer.text();
      return true;
    },
    () => false,
  );
}
