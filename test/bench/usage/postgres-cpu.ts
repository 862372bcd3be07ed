import { readdirSync, readFileSync } from 'node:fs';

/** Linux counts the time of ended processes in hundredths of a second. */
const MICROS_PER_TICK = 10_000;
const NANOS_PER_MICRO = 1_000;

/** Fields of `/proc/PID/stat` after the name of the program, see proc_pid_stat(5). */
const PARENT = 1;
const ENDED_CHILDREN = [13, 14] as const;

/** The process that started the server process of a connection. */
export function parentOf(pid: number): number {
  return Number(statOf(pid)?.[PARENT]);
}

/**
 * The CPU time of a PostgreSQL server with all its processes, in microseconds.
 * @param postmasterPid the process that started the others
 * @param excludedPid the server process of a connection that does not count
 */
export function postgresCpuMicros(postmasterPid: number, excludedPid: number): number {
  const children = readdirSync('/proc')
    .map(Number)
    .filter((pid) => parentOf(pid) === postmasterPid);
  const running = [postmasterPid, ...children]
    .filter((pid) => pid !== excludedPid)
    .map(runningMicros);
  const stat = statOf(postmasterPid);
  const ended = ENDED_CHILDREN.map((field) => Number(stat?.[field]) * MICROS_PER_TICK);
  return [...running, ...ended].reduce((sum, micros) => sum + micros, 0);
}

/** To the nanosecond, unlike `/proc/PID/stat`: at ten requests a second, ticks are too coarse. */
function runningMicros(pid: number): number {
  const [nanos] = read(pid, 'schedstat')?.split(' ') ?? [];
  return Number(nanos ?? 0) / NANOS_PER_MICRO;
}

function statOf(pid: number): string[] | undefined {
  // The name may contain spaces and brackets.
  return read(pid, 'stat')
    ?.replace(/^.*\) /s, '')
    .split(' ');
}

/** `undefined` if the process has ended. */
function read(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${String(pid)}/${file}`, 'utf8');
  } catch {
    return undefined;
  }
}
