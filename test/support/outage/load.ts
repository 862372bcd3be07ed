import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Response, Test } from 'supertest';
import type { Replica } from '../replica.js';
import type { Fleet } from './fleet.js';
import { scaled } from '../time-scale.js';

export type Call = 'send' | 'resend' | 'verify' | 'status' | 'live';

/** A request and its answer; times are the monotonic clock's, in milliseconds. */
export interface Answered {
  readonly call: Call;
  readonly askedAt: number;
  readonly answeredAt: number;
  readonly response: Response;
}

/** What one phone lived through: a code, sent and verified. */
export interface Journey {
  readonly phoneNumber: string;
  /** Answers other than 503, in their order. */
  readonly heard: Record<Exclude<Call, 'live'>, Response[]>;
  /** Whether a 503 was among the answers. */
  troubled: boolean;
  complete: boolean;
}

const JOURNEYS_AT_ONCE = 8;
/** Between a 503 and the same request again: less than it asks for, to have many. */
const IMPATIENCE_MS = 25;
const HEARTBEAT_MS = 100;
/** Far more than any answer may take. */
const GIVEN_UP_MS = scaled(20_000);

let phones = 0;

/** A number that no test of this file has texted yet. */
export function newPhone(): string {
  phones += 1;
  return `+1415${String(5_550_000 + phones)}`;
}

/** Steady traffic of many phones on both replicas. A request that hears 503 is made again. */
export class Load {
  readonly answers: Answered[] = [];
  readonly journeys: Journey[] = [];
  private stopped = false;
  private failure: Error | undefined;
  private readonly workers: Promise<void>[];

  constructor(private readonly fleet: Fleet) {
    this.workers = [
      ...Array.from({ length: JOURNEYS_AT_ONCE }, () => this.repeat(() => this.travel())),
      ...fleet.replicas.map(({ http }) =>
        this.repeat(async () => {
          await this.ask('live', http.get('/health/live'));
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
  async ask(call: Call, request: Test): Promise<Response> {
    const askedAt = performance.now();
    const response = await request.timeout(GIVEN_UP_MS);
    this.answers.push({ call, askedAt, answeredAt: performance.now(), response });
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
  private async travel(): Promise<void> {
    const journey: Journey = {
      phoneNumber: newPhone(),
      heard: { send: [], resend: [], verify: [], status: [] },
      troubled: false,
      complete: false,
    };
    this.journeys.push(journey);
    const { replicas, codesOf } = this.fleet;
    const [one, other] = Math.random() < 0.5 ? replicas : [replicas[1], replicas[0]];
    const send = { phoneNumber: journey.phoneNumber };

    const { pinId } = await this.insist(journey, 'send', one, keyed('/otp/send', send));
    if (pinId === undefined) return;
    await this.insist(journey, 'resend', other, keyed('/otp/resend', { pinId }));
    const [otpCode = ''] = await codesOf(journey.phoneNumber);
    const verify = ({ http }: Replica) => http.post('/otp/verify').send({ pinId, otpCode });
    await Promise.all(replicas.map((each) => this.insist(journey, 'verify', each, verify)));
    await this.insist(journey, 'status', other, ({ http }) => http.get(`/otp/${pinId}`));
    journey.complete = !this.stopped;
  }

  /** Asks until the answer is another than 503: its body. */
  private async insist(
    journey: Journey,
    call: Exclude<Call, 'live'>,
    replica: Replica,
    request: (replica: Replica) => Test,
  ): Promise<{ pinId?: string }> {
    while (!this.stopped) {
      const response = await this.ask(call, request(replica));
      if (response.status !== 503) {
        journey.heard[call].push(response);
        return response.body;
      }
      journey.troubled = true;
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
