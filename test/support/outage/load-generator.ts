import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Response, Test } from 'supertest';
import type { Replica } from '../replica.js';
import type { Fleet } from './fleet.js';
import { scaleTimeLimit } from '../time-scale.js';

export type Operation = 'send' | 'resend' | 'verify' | 'status' | 'live';

/** A response, with times of the monotonic clock in milliseconds. */
export interface RecordedResponse {
  readonly operation: Operation;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly response: Response;
}

/** The requests for one phone: a code is sent and verified. */
export interface UserFlow {
  readonly phoneNumber: string;
  /** Responses other than 503, in order. */
  readonly responses: Record<Exclude<Operation, 'live'>, Response[]>;
  /** Whether one of the responses was 503. */
  sawUnavailable: boolean;
  isComplete: boolean;
}

const CONCURRENT_FLOWS = 8;
/** Delay of a retry after 503: shorter than `Retry-After`, to get many retries. */
const RETRY_DELAY_MS = 25;
const HEARTBEAT_MS = 100;
/** Much longer than any response may take. */
const REQUEST_TIMEOUT_MS = scaleTimeLimit(20_000);

let phoneCount = 0;

/** A number that no test of this file has used yet. */
export function newPhoneNumber(): string {
  phoneCount += 1;
  return `+1415${String(5_550_000 + phoneCount)}`;
}

/** Sends steady traffic of many phones to both replicas. Retries every request that gets 503. */
export class LoadGenerator {
  readonly responses: RecordedResponse[] = [];
  readonly flows: UserFlow[] = [];
  private isStopped = false;
  private failure: Error | undefined;
  private readonly workers: Promise<void>[];

  constructor(private readonly fleet: Fleet) {
    this.workers = [
      ...Array.from({ length: CONCURRENT_FLOWS }, () => this.repeat(() => this.runFlow())),
      ...fleet.replicas.map(({ http }) =>
        this.repeat(async () => {
          await this.record('live', http.get('/health/live'));
          await delay(HEARTBEAT_MS);
        }),
      ),
    ];
  }

  /**
   * Stops the traffic and waits for the last response.
   * @throws Error if a request got no response.
   */
  async stop(): Promise<void> {
    this.isStopped = true;
    await Promise.all(this.workers);
    if (this.failure) throw this.failure;
  }

  /** Sends a request and keeps its response. */
  async record(operation: Operation, request: Test): Promise<Response> {
    const startedAt = performance.now();
    const response = await request.timeout(REQUEST_TIMEOUT_MS);
    this.responses.push({ operation, startedAt, endedAt: performance.now(), response });
    return response;
  }

  private async repeat(work: () => Promise<unknown>): Promise<void> {
    try {
      while (!this.isStopped) await work();
    } catch (error) {
      this.failure ??= error as Error;
    }
  }

  /** Sends a code, resends it during the cooldown, and verifies it twice at the same time. */
  private async runFlow(): Promise<void> {
    const flow: UserFlow = {
      phoneNumber: newPhoneNumber(),
      responses: { send: [], resend: [], verify: [], status: [] },
      sawUnavailable: false,
      isComplete: false,
    };
    this.flows.push(flow);
    const { replicas, getReceivedCodes } = this.fleet;
    const [first, second] = Math.random() < 0.5 ? replicas : [replicas[1], replicas[0]];
    const send = { phoneNumber: flow.phoneNumber };

    const { pinId } = await this.requestUntilAvailable(
      flow,
      'send',
      first,
      idempotentPost('/otp/send', send),
    );
    if (pinId === undefined) return;
    await this.requestUntilAvailable(
      flow,
      'resend',
      second,
      idempotentPost('/otp/resend', { pinId }),
    );
    const [otpCode = ''] = await getReceivedCodes(flow.phoneNumber);
    const verify = ({ http }: Replica) => http.post('/otp/verify').send({ pinId, otpCode });
    await Promise.all(
      replicas.map((each) => this.requestUntilAvailable(flow, 'verify', each, verify)),
    );
    await this.requestUntilAvailable(flow, 'status', second, ({ http }) =>
      http.get(`/otp/${pinId}`),
    );
    flow.isComplete = !this.isStopped;
  }

  /** Repeats the request until its status is not 503; returns the body. */
  private async requestUntilAvailable(
    flow: UserFlow,
    operation: Exclude<Operation, 'live'>,
    replica: Replica,
    request: (replica: Replica) => Test,
  ): Promise<{ pinId?: string }> {
    while (!this.isStopped) {
      const response = await this.record(operation, request(replica));
      if (response.status !== 503) {
        flow.responses[operation].push(response);
        return response.body;
      }
      flow.sawUnavailable = true;
      await delay(RETRY_DELAY_MS);
    }
    return {};
  }
}

/** Creates a request that has the same idempotency key each time it is sent. */
function idempotentPost(path: string, body: object): (replica: Replica) => Test {
  const key = randomUUID();
  return ({ http }) => http.post(path).set('idempotency-key', key).send(body);
}
