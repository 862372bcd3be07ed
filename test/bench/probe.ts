import { readFileSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { handleRequests } from './worker-process.js';

/** Preloaded into every server: reports its resource usage and profiles it on request. */

/** The resource usage of a process since its start. */
export interface Usage {
  /** User and system, in microseconds. */
  readonly cpuMicros: number;
  readonly rssBytes: number;
  readonly peakRssBytes: number;
  /** Of the JavaScript heap. */
  readonly heapBytes: number;
}

export type ProbeRequest =
  | { readonly kind: 'usage' }
  | { readonly kind: 'start-profile' }
  | { readonly kind: 'stop-profile'; readonly file: string };

let profiler: Session | undefined;

handleRequests(async (request: ProbeRequest) => {
  switch (request.kind) {
    case 'usage':
      return usage();
    case 'start-profile':
      profiler ??= await startProfiler();
      await profiler.post('Profiler.start');
      return;
    case 'stop-profile': {
      const stopped = await profiler?.post('Profiler.stop');
      writeFileSync(request.file, JSON.stringify(stopped?.profile));
      return;
    }
  }
});
// The channel must not keep a server alive that wants to exit.
process.channel?.unref();

function usage(): Usage {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed } = process.memoryUsage();
  return {
    cpuMicros: user + system,
    rssBytes: rss,
    heapBytes: heapUsed,
    peakRssBytes: peakKiB() * 1024,
  };
}

/** Read from Linux, because `maxRSS` includes that of the parent process. */
function peakKiB(): number {
  const [, peak] = /^VmHWM:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return Number(peak);
}

async function startProfiler(): Promise<Session> {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: 100 });
  return session;
}
