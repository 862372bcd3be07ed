import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '../crash/client.js';
import type { CallResponse, History } from '../crash/history.js';
import { wrongCode } from '../wrong-code.js';
import { newPhoneNumber } from './load-generator.js';

/** Users at the same time, over all replicas. */
const CONCURRENT_USERS = 24;
const RETRY_DELAY_MS = 25;

/** A user who requests a code and submits it. The user's app repeats requests that get 503. */
export interface User {
  readonly phoneNumber: string;
  /** The final response to the right code; `undefined` until then. */
  verifyResponse: CallResponse | undefined;
}

/** Users who sign in one after the other until they are stopped; each request goes to any replica. */
export class SignInLoad {
  readonly users: User[] = [];
  private readonly repeats: (() => Promise<void>)[] = [];
  private isStopped = false;
  private readonly workers: Promise<void>[];

  constructor(
    private readonly replicas: readonly Client[],
    private readonly history: History,
  ) {
    this.workers = Array.from({ length: CONCURRENT_USERS }, async () => {
      while (!this.isStopped) await this.signIn();
    });
  }

  /** Waits until this number of further users have got their last response. */
  async waitFor(count: number): Promise<void> {
    const countDone = () => this.users.filter(({ verifyResponse }) => verifyResponse).length;
    const target = countDone() + count;
    while (countDone() < target) await delay(RETRY_DELAY_MS);
  }

  /** Starts no further user, and waits for the others. */
  async stop(): Promise<void> {
    this.isStopped = true;
    await Promise.all(this.workers);
  }

  /** Repeats the requests with keys of every user, and then submits every right code without a key. */
  async repeatRequests(): Promise<void> {
    // The workers share the iterator, so each takes the next user.
    const repeats = this.repeats.values();
    const workers = Array.from({ length: CONCURRENT_USERS }, async () => {
      for (const repeat of repeats) await repeat();
    });
    await Promise.all(workers);
  }

  private async signIn(): Promise<void> {
    const index = this.users.length;
    const phoneNumber = newPhoneNumber();
    const user: User = { phoneNumber, verifyResponse: undefined };
    this.users.push(user);
    // Half of the apps use idempotency keys.
    const usesKeys = index % 2 === 0;
    const keyOf = (name: string) => (usesKeys ? `${name} ${phoneNumber}` : undefined);
    const requestCode = () => this.repeat((replica) => replica.send(phoneNumber, keyOf('send')));
    const { pinId } = (await requestCode()).body;
    const message = this.history.messages.find((each) => each.phoneNumber === phoneNumber);
    const code = message?.code ?? '';
    // Half of the users submit a wrong code first.
    if (index % 4 < 2) {
      await this.repeat((replica) => replica.verify(phoneNumber, pinId, wrongCode(code)));
    }
    const submitCode = (key?: string) =>
      this.repeat((replica) => replica.verify(phoneNumber, pinId, code, key));
    user.verifyResponse = await submitCode(keyOf('verify'));
    this.repeats.push(async () => {
      if (usesKeys) {
        await requestCode();
        await submitCode(keyOf('verify'));
      }
      await submitCode();
    });
  }

  /** Repeats a request while the service or the provider is unavailable. */
  private async repeat(
    request: (replica: Client) => Promise<CallResponse | undefined>,
  ): Promise<CallResponse> {
    for (;;) {
      const replica = this.replicas[Math.floor(Math.random() * this.replicas.length)];
      const response = replica && (await request(replica));
      if (response && response.status !== 503) return response;
      await delay(RETRY_DELAY_MS);
    }
  }
}
