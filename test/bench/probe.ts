import { readFileSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { answerQuestions } from './remote.js';

/** Runs in every subject first, whoever wrote it: tells what it uses, and profiles it on request. */

/** What a process has used so far. */
export interface Usage {
  /** User and system, in microseconds. */
  readonly cpuMicros: number;
  readonly rssBytes: number;
  readonly peakRssBytes: number;
  /** Of the JavaScript heap. */
  readonly heapBytes: number;
}

export type ProbeQuestion =
  | { readonly kind: 'usage' }
  | { readonly kind: 'start-profile' }
  | { readonly kind: 'stop-profile'; readonly file: string };

let session: Session | undefined;

answerQuestions(async (question: ProbeQuestion) => {
  switch (question.kind) {
    case 'usage':
      return usage();
    case 'start-profile':
      session ??= await profiler();
      await session.post('Profiler.start');
      return;
    case 'stop-profile': {
      const stopped = await session?.post('Profiler.stop');
      writeFileSync(question.file, JSON.stringify(stopped?.profile));
      return;
    }
  }
});
// Listening must not keep a subject alive that wants to end.
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

/** As Linux tells it: `maxRSS` begins with that of the process which started this one. */
function peakKiB(): number {
  const [, peak] = /^VmHWM:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return Number(peak);
}

async function profiler(): Promise<Session> {
  const opened = new Session();
  opened.connect();
  await opened.post('Profiler.enable');
  await opened.post('Profiler.setSamplingInterval', { interval: 100 });
  return opened;
}
