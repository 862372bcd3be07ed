import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { createServer, connect, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { createFolder, removeFolder } from './folders.js';
import { withSpread, type Table } from './report.js';
import { spread, type Spread } from './statistics.js';

const REPEATS = 15;

/** How long the machine takes for three parts of every request. */
export interface Calibration {
  /** A fixed amount of JavaScript, in milliseconds. */
  readonly scriptMs: Spread;
  /** To write 4 KiB and flush them to the disk, in milliseconds. */
  readonly fsyncMs: Spread;
  /** To send a byte through a TCP socket of the same machine and get one back, in microseconds. */
  readonly roundTripMicros: Spread;
}

/** Every report begins with these times, so that results of different machines can be compared. */
export async function calibrate(): Promise<Calibration> {
  return {
    scriptMs: measureScript(),
    fsyncMs: measureFsync(),
    roundTripMicros: await measureRoundTrip(),
  };
}

export const toCalibrationTable = (machine: Calibration): Table => ({
  title: 'This machine',
  head: ['fixed JavaScript, ms', 'fsync, ms', 'loopback round trip, µs'],
  lines: [
    {
      cells: [
        withSpread(machine.scriptMs, 1),
        withSpread(machine.fsyncMs, 2),
        withSpread(machine.roundTripMicros, 0),
      ],
      data: machine,
    },
  ],
});

/** Objects, strings, a map and arithmetic, as in a request; the first runs compile it. */
function measureScript(): Spread {
  const runOnce = () => {
    const startedAt = performance.now();
    const counts = new Map<string, number>();
    for (let i = 0; i < 100_000; i++) {
      const entry = { key: `number:${String(i % 1_000)}`, index: i };
      counts.set(entry.key, (counts.get(entry.key) ?? 0) + entry.index);
    }
    return performance.now() - startedAt;
  };
  for (let i = 0; i < REPEATS; i++) runOnce();
  return spread(Array.from({ length: REPEATS }, runOnce));
}

function measureFsync(): Spread {
  const folder = createFolder();
  const file = openSync(join(folder, 'calibration'), 'w');
  const block = Buffer.alloc(4_096, 1);
  try {
    const times = Array.from({ length: REPEATS }, () => {
      const startedAt = performance.now();
      writeSync(file, block);
      fsyncSync(file);
      return performance.now() - startedAt;
    });
    return spread(times);
  } finally {
    closeSync(file);
    removeFolder(folder);
  }
}

async function measureRoundTrip(): Promise<Spread> {
  const trips = 1_000;
  const server = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').setNoDelay(true);
  await once(socket, 'connect');
  const times: number[] = [];
  for (let i = 0; i < REPEATS; i++) {
    const startedAt = performance.now();
    for (let trip = 0; trip < trips; trip++) {
      socket.write('.');
      await once(socket, 'data');
    }
    times.push(((performance.now() - startedAt) / trips) * 1_000);
  }
  socket.destroy();
  server.close();
  await once(server, 'close');
  return spread(times);
}
