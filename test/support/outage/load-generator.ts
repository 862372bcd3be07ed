import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Response, Test } from 'supertest';
import type { Replica } from '../replica.js';
import type { Fleet } from './fleet.js';
import { scaled } from '../time-scale.js';

export type Operation = 'send' | 'resend' | 'verify' | 'status' | 'live';

/** A request and its answer; times are the monotonic clock's, in milliseconds. */
export interface RecordedResponse {
  readonly operation: Operation;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly response: Response;
}

/** What one phone lived through: a code, sent and verified. */
export interface UserFlow {
  readonly phoneNumber: string;
  /** Answers other than 503, in their order. */
  readonly responses: Record<Exclude<Operation, 'live'>, Response[]>;
  /** Whether a 503 was among the answers. */
  sawUnavailable: boolean;
  isComplete: boolean;
}

const JOURNEYS_AT_ONCE = 8;
/** Between a 503 and the same request again: less than it asks for, to have many. */
const IMPATIENCE_MS = 25;
const HEARTBEAT_MS = 100;
/** Far more than any answer may take. */
const GIVEN_UP_MS = scaled(20_000);

let phones = 0;

/** A number that no test of this file has texted yet. */
export function newPhoneNumber(): string {
  phones += 1;
  return `+1415${String(5_550_000 + phones)}`;
}

/** Steady traffic of many phones on both replicas. A request that hears 503 is made again. */
export class LoadGenerator {
  readonly responses: RecordedResponse[] = [];
  readonly flows: UserFlow[] = [];
  private stopped = false;
  private failure: Error | undefined;
  private readonly workers: Promise<void>[];

  constructor(private readonly fleet: Fleet) {
    this.workers = [
      ...Array.from({ length: JOURNEYS_AT_ONCE }, () => this.repeat(() => this.runFlow())),
      ...fleet.replicas.map(({ http }) =>
        this.repeat(async () => {
          await this.record('live', http.get('/health/live'));
          await delay(HEARTBEAT_MS);
        }),
      ),
    ];
  }

  /**
   * Ends it, and is done when the last request is answered.
   * @throws what broke it: a request without an answer.
   */
  async stop(): Promise<void> {
    this.stopped = true;
    await Promise.all(this.workers);
    if (this.failure) throw this.failure;
  }

  /** Makes one request more and keeps its answer with the others. */
  async record(operation: Operation, request: Test): Promise<Response> {
    const startedAt = performance.now();
    const response = await request.timeout(GIVEN_UP_MS);
    this.responses.push({ operation, startedAt, endedAt: performance.now(), response });
    return response;
  }

  private async repeat(work: () => Promise<unknown>): Promise<void> {
    try {
      while (!this.stopped) await work();
    } catch (error) {
      this.failure ??= error as Error;
    }
  }

  /** A send, a resend that is too early, and the right code twice at the same time. */
  private async runFlow(): Promise<void> {
    const journey: UserFlow = {
      phoneNumber: newPhoneNumber(),
      responses: { send: [], resend: [], verify: [], status: [] },
      sawUnavailable: false,
      isComplete: false,
    };
    this.flows.push(journey);
    const { replicas, codesOf } = this.fleet;
    const [one, other] = Math.random() < 0.5 ? replicas : [replicas[1], replicas[0]];
    const send = { phoneNumber: journey.phoneNumber };

    const { pinId } = await this.requestUntilAvailable(
      journey,
      'send',
      one,
      keyed('/otp/send', send),
    );
    if (pinId === undefined) return;
    await this.requestUntilAvailable(journey, 'resend', other, keyed('/otp/resend', { pinId }));
    const [otpCode = ''] = await codesOf(journey.phoneNumber);
    const verify = ({ http }: Replica) => http.post('/otp/verify').send({ pinId, otpCode });
    await Promise.all(
      replicas.map((each) => this.requestUntilAvailable(journey, 'verify', each, verify)),
    );
    await this.requestUntilAvailable(journey, 'status', other, ({ http }) =>
      http.get(`/otp/${pinId}`),
    );
    journey.isComplete = !this.stopped;
  }

  /** Asks until the answer is another than 503: its body. */
  private async requestUntilAvailable(
    journey: UserFlow,
    call: Exclude<Operation, 'live'>,
    replica: Replica,
    request: (replica: Replica) => Test,
  ): Promise<{ pinId?: string }> {
    while (!this.stopped) {
      const response = await this.record(call, request(replica));
      if (response.status !== 503) {
        journey.responses[call].push(response);
        return response.body;
      }
      journey.sawUnavailable = true;
      await delay(IMPATIENCE_MS);
    }
    return {};
  }
}

/** A request that has one idempotency key, however often it is made. */
function keyed(path: string, body: object): (replica: Replica) => Test {
  const key = randomUUID();
  return ({ http }) => http.post(path).set('idempotency-key', key).send(body);
}
