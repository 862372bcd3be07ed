import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

interface Reply {
  readonly id: number;
  readonly answer?: unknown;
  readonly error?: string;
}

/** How a process is started. */
export interface ProcessOptions {
  readonly module: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Node's own options. */
  readonly options?: readonly string[];
  /** A module to load first. */
  readonly preload?: string;
}

/** A Node process that answers requests over its IPC channel. It exits with this process. */
export class WorkerProcess {
  private readonly pendingReplies = new Map<number, (reply: Reply) => void>();
  private lastId = 0;
  private output = '';

  private constructor(
    private readonly child: ChildProcess,
    private readonly module: string,
  ) {
    child.on('message', (message: Reply) => {
      this.pendingReplies.get(message.id)?.(message);
      this.pendingReplies.delete(message.id);
    });
    child.on('exit', () => {
      for (const [id, finish] of this.pendingReplies) finish({ id, error: this.exitReport });
      this.pendingReplies.clear();
    });
    // The servers log to a pipe, as in a container, and a full pipe would block them.
    [child.stdout, child.stderr].forEach((stream) =>
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output = (this.output + text).slice(-4_000);
      }),
    );
  }

  static start({ module, env = {}, options = [], preload }: ProcessOptions): WorkerProcess {
    const { PATH } = process.env;
    const child = fork(module, {
      env: { PATH, ...env },
      execArgv: [...options, ...(preload === undefined ? [] : ['--import', preload])],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    return new WorkerProcess(child, module);
  }

  get ended(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** The last output of the process. */
  get exitReport(): string {
    return `${this.module} ended:\n${this.output}`;
  }

  /** @throws Error with the stack of the error in the process */
  async request<T>(request: unknown): Promise<T> {
    if (this.ended) throw new Error(this.exitReport);
    const id = ++this.lastId;
    const reply = await new Promise<Reply>((resolve) => {
      this.pendingReplies.set(id, resolve);
      this.child.send({ id, request });
    });
    if (reply.error !== undefined) throw new Error(reply.error);
    return reply.answer as T;
  }

  async stop(): Promise<void> {
    if (this.ended) return;
    const exited = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    const killTimer = setTimeout(() => this.child.kill('SIGKILL'), 10_000);
    await exited;
    clearTimeout(killTimer);
  }
}

/** Runs in the worker process: answers each request with the result of `handle`. */
export function handleRequests(handle: (request: never) => unknown): void {
  process.on('message', (message: { id: number; request: never }) => {
    const { id, request } = message;
    Promise.resolve()
      .then(() => handle(request))
      .then(
        (result) => process.send?.({ id, answer: result }),
        (error: unknown) => process.send?.({ id, error: String((error as Error).stack) }),
      );
  });
  process.on('disconnect', () => process.exit());
}
