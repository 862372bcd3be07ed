import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

interface Reply {
  readonly id: number;
  readonly answer?: unknown;
  readonly error?: string;
}

/** How a process is started. */
export interface Launch {
  readonly module: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Of Node itself. */
  readonly options?: readonly string[];
  /** A module that runs in it first. */
  readonly preload?: string;
}

/** A Node process of the bench, which answers questions over its channel. It ends with this one. */
export class Remote {
  private readonly waiting = new Map<number, (reply: Reply) => void>();
  private asked = 0;
  private printed = '';

  private constructor(
    private readonly child: ChildProcess,
    private readonly module: string,
  ) {
    child.on('message', (message: Reply) => {
      this.waiting.get(message.id)?.(message);
      this.waiting.delete(message.id);
    });
    child.on('exit', () => {
      for (const [id, settle] of this.waiting) settle({ id, error: this.obituary });
      this.waiting.clear();
    });
    // The subjects log to a pipe, as they do in a container; it has to be read.
    [child.stdout, child.stderr].forEach((stream) =>
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.printed = (this.printed + text).slice(-4_000);
      }),
    );
  }

  static start({ module, env = {}, options = [], preload }: Launch): Remote {
    const { PATH } = process.env;
    const child = fork(module, {
      env: { PATH, ...env },
      execArgv: [...options, ...(preload === undefined ? [] : ['--import', preload])],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    return new Remote(child, module);
  }

  get ended(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** What it said before it ended. */
  get obituary(): string {
    return `${this.module} ended:\n${this.printed}`;
  }

  /** @throws Error with what went wrong over there. */
  async ask<T>(question: unknown): Promise<T> {
    if (this.ended) throw new Error(this.obituary);
    const id = ++this.asked;
    const reply = await new Promise<Reply>((resolve) => {
      this.waiting.set(id, resolve);
      this.child.send({ id, question });
    });
    if (reply.error !== undefined) throw new Error(reply.error);
    return reply.answer as T;
  }

  async stop(): Promise<void> {
    if (this.ended) return;
    const exited = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    const impatience = setTimeout(() => this.child.kill('SIGKILL'), 10_000);
    await exited;
    clearTimeout(impatience);
  }
}

/** The other end: answers each question with what `answer` resolves to. */
export function answerQuestions(answer: (question: never) => unknown): void {
  process.on('message', (message: { id: number; question: never }) => {
    const { id, question } = message;
    Promise.resolve()
      .then(() => answer(question))
      .then(
        (result) => process.send?.({ id, answer: result }),
        (error: unknown) => process.send?.({ id, error: String((error as Error).stack) }),
      );
  });
  process.on('disconnect', () => process.exit());
}
