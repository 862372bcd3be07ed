import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Socket } from 'node:net';

/** Reads which process to end (the last line counts) for as long as somebody holds the other end. */
const SCRIPT = `
  while read -r line; do pid=$line; done
  if [ -n "$pid" ] && kill -s "$signal" "$pid"; then
    tries=0
    while kill -0 "$pid" && [ $tries -lt 100 ]; do sleep 0.05; tries=$((tries + 1)); done
    kill -s KILL "$pid"
  fi 2>/dev/null
  rm -rf "$folder"
`;

/**
 * A process that outlives this one by a moment: it ends the server and deletes its folder, even if
 * this process is killed and can do nothing any more.
 */
export class Caretaker {
  private readonly process: ChildProcess;

  constructor(folder: string, signal: NodeJS.Signals) {
    this.process = spawn('/bin/sh', ['-c', SCRIPT], {
      env: { ...process.env, folder, signal: signal.replace(/^SIG/, '') },
      stdio: ['pipe', 'ignore', 'ignore'],
      // Ctrl-C in a terminal ends every process of the group, and this one still has work to do.
      detached: true,
    });
    this.process.unref();
    const { stdin } = this.process;
    if (stdin instanceof Socket) stdin.unref();
    // If the caretaker is gone, the test has nothing to do with it.
    stdin?.on('error', () => undefined);
  }

  /** From now on this is the server's process, or there is none. */
  watch(pid: number | undefined): void {
    this.process.stdin?.write(`${pid === undefined ? '' : String(pid)}\n`);
  }

  /** Cleans up, and is done when that is done. */
  async finish(): Promise<void> {
    this.process.ref();
    this.process.stdin?.end();
    const { exitCode, signalCode } = this.process;
    if (exitCode === null && signalCode === null) await once(this.process, 'exit');
  }
}
