import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { ConnectionPool } from './connections.js';
import { SERVER_APIS, type ApiRequest, type ApiResponse, type ServerApi } from './server-apis.js';
import type { LoadJob, LoadResult } from './load-job.js';
import { getEndUserIp, phoneNumber } from './test-users.js';
import { handleRequests } from './worker-process.js';
import { percentile } from './statistics.js';

// The process that sends the load. It fails on the first unexpected answer.

const pools = new Map<string, ConnectionPool>();
/** The verify requests for the sent codes, by server. */
const pendingVerifies = new Map<string, ApiRequest[]>();

/** Sends the i-th request or flow of a job. */
type Step = (i: number) => Promise<void>;

handleRequests(async (job: LoadJob): Promise<LoadResult> => {
  const startedAt = performance.now();
  const latencies =
    job.perSecond === undefined ? await runClosedLoop(job) : await runOpenLoop(job, job.perSecond);
  const elapsedSeconds = (performance.now() - startedAt) / 1_000;
  return {
    perSecond: job.count / elapsedSeconds,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
  };
});

/** As many concurrent requests as connections, each sent after the answer to the last one. */
async function runClosedLoop(job: LoadJob): Promise<number[]> {
  const latencies: number[] = [];
  const step = createStep(job, latencies);
  let next = 0;
  const sendInTurn = async () => {
    while (next < job.count) await step(next++);
  };
  await Promise.all(Array.from({ length: job.connections }, sendInTurn));
  return latencies;
}

/**
 * Sends at a steady rate, independent of the answers. Latencies count from when a request was due.
 * Timers have a resolution of a millisecond, so requests due in the same one are sent together.
 */
async function runOpenLoop(job: LoadJob, perSecond: number): Promise<number[]> {
  const latencies: number[] = [];
  const ignoredLatencies: number[] = [];
  const step = createStep(job, ignoredLatencies);
  const startedAt = performance.now();
  const running: Promise<void>[] = [];
  for (let i = 0; i < job.count; i += 1) {
    const due = startedAt + (i * 1_000) / perSecond;
    const waitMs = due - performance.now();
    if (waitMs > 0) await delay(Math.ceil(waitMs));
    running.push(step(i).then(() => void latencies.push(performance.now() - due)));
  }
  await Promise.all(running);
  return latencies;
}

function createStep(job: LoadJob, latencies: number[]): Step {
  const api = SERVER_APIS[job.api];
  const verifies = pendingVerifies.get(job.url) ?? [];
  pendingVerifies.set(job.url, verifies);

  const postTimed = async (request: ApiRequest): Promise<ApiResponse> => {
    const startedAt = performance.now();
    const response = await post(job, request);
    latencies.push(performance.now() - startedAt);
    return response;
  };
  const send = async (i: number): Promise<ApiRequest> => {
    const number = phoneNumber(job.firstNumber + i);
    const endUserIp = job.hasEndUserIp ? getEndUserIp(job.firstNumber + i) : undefined;
    const request = api.createSend(number, endUserIp);
    const verifyRequest = api.createVerify(number, await postTimed(request));
    return verifyRequest ?? fail(job, 'a send was not accepted');
  };
  const verify = async (request: ApiRequest): Promise<void> => {
    assertVerified(job, api, await postTimed(request));
  };
  switch (job.operation) {
    case 'send':
      return async (i) => void verifies.push(await send(i));
    case 'verify':
      return async () => verify(verifies.pop() ?? fail(job, 'nothing left to verify'));
    case 'flow':
      return async (i) => verify(await send(i));
  }
}

function assertVerified(job: LoadJob, api: ServerApi, response: ApiResponse): void {
  if (!api.isVerified(response)) fail(job, `not verified: ${JSON.stringify(response.body)}`);
}

async function post(job: LoadJob, { path, body }: ApiRequest): Promise<ApiResponse> {
  const { url, connections, hasIdempotencyKey, bearer, bodyBytes = 0 } = job;
  const poolKey = `${url} ${String(connections)}`;
  const pool = pools.get(poolKey) ?? new ConnectionPool(new URL(url), connections);
  pools.set(poolKey, pool);
  const headers =
    (bearer === undefined ? '' : `authorization: Bearer ${bearer}\r\n`) +
    (hasIdempotencyKey ? `idempotency-key: ${randomUUID()}\r\n` : '');
  // JSON allows white space at the end.
  const answer = await pool.post(path, headers, body.padEnd(bodyBytes));
  if (!answer.startLine.startsWith('HTTP/1.1 200 ')) {
    fail(job, `${answer.startLine} ${answer.body}`);
  }
  return { body: JSON.parse(answer.body) as ApiResponse['body'], headers: answer.headers };
}

function fail({ url, operation }: LoadJob, what: string): never {
  throw new Error(`${operation} at ${url}: ${what}`);
}
