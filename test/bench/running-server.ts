import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../support/services/ports.js';
import { createFolder, removeFolder } from './folders.js';
import type { ProbeRequest, Usage } from './probe.js';
import { WorkerProcess } from './worker-process.js';
import type { LoadOptions, LoadJob, LoadResult } from './load-job.js';
import type { BenchServer, ServerEnvironment } from './servers.js';

const PROBE = join(import.meta.dirname, 'probe.js');
const START_TIMEOUT_MS = 30_000;
const POLL_MS = 2;

/** The CPU time, rate and latencies of a job. */
export interface Measurement extends LoadResult {
  /** User and system time of the server's process. */
  readonly cpuMicrosPerRequest: number;
}

/** What all servers of one run of the bench share. */
export interface SharedResources {
  /** The URL of the fake provider. */
  readonly upstream: string;
  /** The process that sends the requests. */
  readonly load: WorkerProcess;
  /** Reserves unused phone numbers. @returns the index of the first */
  reserveNumbers(count: number): number;
}

type JobOptions = LoadOptions & Pick<LoadJob, 'operation' | 'count'>;

/** A server whose process runs and answers requests. */
export class RunningServer {
  private constructor(
    readonly server: BenchServer,
    readonly url: string,
    /** From the start of the process until it answered. */
    readonly firstAnswerMs: number,
    private readonly shared: SharedResources,
    private readonly worker: WorkerProcess,
    /** Removed when the server stops. */
    private readonly ownFolder: string | undefined,
  ) {}

  /** @param storage where it stores its data; by default a temporary folder */
  static async start(
    server: BenchServer,
    shared: SharedResources,
    storage: Partial<Omit<ServerEnvironment, 'port' | 'upstream'>>,
  ): Promise<RunningServer> {
    const folder = storage.folder ?? createFolder();
    const environment: ServerEnvironment = {
      port: await freePort(),
      upstream: shared.upstream,
      folder,
      databaseUrl: storage.databaseUrl,
      redisUrl: storage.redisUrl,
    };
    const url = `http://127.0.0.1:${String(environment.port)}`;
    const startedAt = performance.now();
    const worker = WorkerProcess.start({ ...server.launch(environment), preload: PROBE });
    while (!(await isAnswering(url))) {
      if (worker.ended) throw new Error(worker.exitReport);
      if (performance.now() - startedAt > START_TIMEOUT_MS)
        throw new Error(`${url} does not answer`);
      await delay(POLL_MS);
    }
    const firstAnswerMs = performance.now() - startedAt;
    const ownFolder = storage.folder === undefined ? folder : undefined;
    return new RunningServer(server, url, firstAnswerMs, shared, worker, ownFolder);
  }

  /** The name of its first variant: requests without an idempotency key. */
  get name(): string {
    return this.server.variants[0]?.name ?? '';
  }

  async run(options: JobOptions): Promise<Measurement> {
    const { api, bearer } = this.server;
    const firstNumber = this.shared.reserveNumbers(options.count);
    const job: LoadJob = { ...options, url: this.url, api, bearer, firstNumber };
    const before = await this.usage();
    const result = await this.shared.load.request<LoadResult>(job);
    const after = await this.usage();
    return {
      ...result,
      cpuMicrosPerRequest: (after.cpuMicros - before.cpuMicros) / options.count,
    };
  }

  /** Like {@link run}, and writes a CPU profile to `file`. */
  async profile(options: JobOptions, file: string): Promise<void> {
    await this.probe({ kind: 'start-profile' });
    await this.run(options);
    await this.probe({ kind: 'stop-profile', file });
  }

  usage(): Promise<Usage> {
    return this.probe<Usage>({ kind: 'usage' });
  }

  async stop(): Promise<void> {
    await this.worker.stop();
    if (this.ownFolder !== undefined) removeFolder(this.ownFolder);
  }

  private probe<T>(request: ProbeRequest): Promise<T> {
    return this.worker.request<T>(request);
  }
}

async function isAnswering(url: string): Promise<boolean> {
  return fetch(`${url}/health/live`).then(
    async (answer) => {
      await answer.text();
      return true;
    },
    () => false,
  );
}
