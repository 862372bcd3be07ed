import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Connections } from './connections.js';
import { DIALECTS, type Ask, type Dialect, type Handle, type Heard } from './dialects.js';
import type { Slice, SliceResult } from './slice.js';
import { endUser, phoneNumber } from './people.js';
import { answerQuestions } from './remote.js';
import { percentile } from './statistics.js';

/** The process that asks. It ends with an error on the first answer that is not the one wanted. */

const pools = new Map<string, Connections>();
/** By subject: what was sent and can be verified. */
const sent = new Map<string, Handle[]>();

/** A part of a slice: asks once, by number. */
type Step = (i: number) => Promise<void>;

answerQuestions(async (slice: Slice): Promise<SliceResult> => {
  const began = performance.now();
  const latencies =
    slice.perSecond === undefined
      ? await closedLoop(slice)
      : await openLoop(slice, slice.perSecond);
  const seconds = (performance.now() - began) / 1_000;
  return {
    perSecond: slice.count / seconds,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
  };
});

/** As many at once as there are connections, each after the answer to the one before. */
async function closedLoop(slice: Slice): Promise<number[]> {
  const latencies: number[] = [];
  const step = stepOf(slice, latencies);
  let next = 0;
  const worker = async () => {
    while (next < slice.count) await step(next++);
  };
  await Promise.all(Array.from({ length: slice.connections }, worker));
  return latencies;
}

/**
 * At a steady rate, whatever the answers do; each is timed from when it was due. Timers count in
 * milliseconds, so those due in one leave together at its end.
 */
async function openLoop(slice: Slice, perSecond: number): Promise<number[]> {
  const latencies: number[] = [];
  const step = stepOf(slice, []);
  const began = performance.now();
  const running: Promise<void>[] = [];
  for (let i = 0; i < slice.count; i += 1) {
    const due = began + (i * 1_000) / perSecond;
    const early = due - performance.now();
    if (early > 0) await delay(Math.ceil(early));
    running.push(step(i).then(() => void latencies.push(performance.now() - due)));
  }
  await Promise.all(running);
  return latencies;
}

function stepOf(slice: Slice, latencies: number[]): Step {
  const dialect = DIALECTS[slice.dialect];
  const handles = sent.get(slice.url) ?? [];
  sent.set(slice.url, handles);

  const timed = async (request: Ask): Promise<Heard> => {
    const began = performance.now();
    const heard = await post(slice, request);
    latencies.push(performance.now() - began);
    return heard;
  };
  const send = async (i: number): Promise<Handle> => {
    const number = phoneNumber(slice.firstNumber + i);
    const request = dialect.send(
      number,
      slice.endUsers ? endUser(slice.firstNumber + i) : undefined,
    );
    const handle = dialect.handleOf(number, await timed(request));
    return handle ?? fail(slice, 'a send was not taken');
  };
  const verify = async (handle: Handle): Promise<void> => {
    await expectVerified(slice, dialect, await timed(dialect.verify(handle)));
  };
  switch (slice.operation) {
    case 'send':
      return async (i) => void handles.push(await send(i));
    case 'verify':
      return async () => verify(handles.pop() ?? fail(slice, 'nothing left to verify'));
    case 'flow':
      return async (i) => verify(await send(i));
  }
}

async function expectVerified(slice: Slice, dialect: Dialect, heard: Heard): Promise<void> {
  if (!dialect.verified(heard)) fail(slice, `not verified: ${JSON.stringify(heard.body)}`);
}

async function post(slice: Slice, { path, body }: Ask): Promise<Heard> {
  const { url, connections, keyed, bearer, bodyBytes = 0 } = slice;
  const name = `${url} ${String(connections)}`;
  const pool = pools.get(name) ?? new Connections(new URL(url), connections);
  pools.set(name, pool);
  const own =
    (bearer === undefined ? '' : `authorization: Bearer ${bearer}\r\n`) +
    (keyed ? `idempotency-key: ${randomUUID()}\r\n` : '');
  // White space behind a JSON text is part of it.
  const answer = await pool.post(path, own, body.padEnd(bodyBytes));
  if (!answer.first.startsWith('HTTP/1.1 200 ')) fail(slice, `${answer.first} ${answer.body}`);
  return { body: JSON.parse(answer.body) as Heard['body'], headers: answer.headers };
}

function fail({ url, operation }: Slice, what: string): never {
  throw new Error(`${operation} at ${url}: ${what}`);
}
