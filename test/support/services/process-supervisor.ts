import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Socket } from 'node:net';

/** Reads process ids until its input closes. Then ends the last one and deletes the folder. */
export const SUPERVISOR_SCRIPT = `
  while read -r line; do pid=$line; done
  if [ -n "$pid" ] && kill -s "$signal" "$pid"; then
    tries=0
    while kill -0 "$pid" && [ $tries -lt 100 ]; do sleep 0.05; tries=$((tries + 1)); done
    kill -s KILL "$pid"
  fi 2>/dev/null
  rm -rf "$folder"
`;

/**
 * A shell that outlives this process by a moment. It ends a server and deletes the server's folder,
 * even if this process is killed.
 */
export class ProcessSupervisor {
  private readonly process: ChildProcess;

  constructor(folder: string, signal: NodeJS.Signals) {
    this.process = spawn('/bin/sh', ['-c', SUPERVISOR_SCRIPT], {
      env: { ...process.env, folder, signal: signal.replace(/^SIG/, '') },
      stdio: ['pipe', 'ignore', 'ignore'],
      // Ctrl-C in a terminal ends every process of the group; the supervisor must still clean up.
      detached: true,
    });
    this.process.unref();
    const { stdin } = this.process;
    if (stdin instanceof Socket) stdin.unref();
    // A test does not fail because the shell is gone.
    stdin?.on('error', () => undefined);
  }

  /** Sets the process that the shell ends; `undefined` for none. */
  watch(pid: number | undefined): void {
    this.process.stdin?.write(`${pid === undefined ? '' : String(pid)}\n`);
  }

  /** Ends the process, deletes the folder and waits for both. */
  async finish(): Promise<void> {
    this.process.ref();
    this.process.stdin?.end();
    const { exitCode, signalCode } = this.process;
    if (exitCode === null && signalCode === null) await once(this.process, 'exit');
  }
}
