import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createOtpClient, type OtpClient } from '../../../client/src/index.js';
import type { newApiKey } from '../api-key.js';
import { startLossyProxy, type LossyProxy } from '../lossy-proxy.js';
import { startReplica, type Replica } from '../replica.js';
import { callSandbox, readCodes } from '../sandbox-calls.js';
import { freePort } from '../services/ports.js';
import { scaleTimeLimit } from '../time-scale.js';
import { wrongCode } from '../wrong-code.js';
import type { HistorySubject } from './client-outcome.js';
import { ANSWERED, type RequestFate } from './history.js';

/** How long the provider works on a request, while the client already repeats it. */
const SLOW_MS = scaleTimeLimit(400);

/** The real service in a process of its own, behind a proxy that breaks connections. */
export class LossyService {
  /** The statuses that the newest client received; 0 for a broken connection. */
  statuses: number[] = [];
  private fates: RequestFate[] = [];
  private pending = 0;
  /** The last request that the service still handles although the client does not wait for it. */
  private running: Promise<unknown> = Promise.resolve();
  private numberCount = 0;

  private constructor(
    private readonly replica: Replica,
    private readonly proxy: LossyProxy,
    private readonly sandboxUrl: string,
    private readonly folder: string,
    private readonly apiKey: string,
  ) {}

  static async start({ key, entry }: ReturnType<typeof newApiKey>): Promise<LossyService> {
    const folder = mkdtempSync(join(tmpdir(), 'otp-client-'));
    const sandboxPort = String(await freePort());
    const replica = await startReplica({
      DATA_DIR: folder,
      SANDBOX_PORT: sandboxPort,
      API_KEYS: entry,
      // Long, because the circuit breaker opens once calls wait for a quarter of this time.
      PROVIDER_TIMEOUT: '60s',
    });
    const proxy = await startLossyProxy(replica.url);
    return new LossyService(replica, proxy, `http://127.0.0.1:${sandboxPort}`, folder, key);
  }

  /** Creates a client whose requests have these fates, one after the other. */
  createClient(fates: readonly RequestFate[]): OtpClient {
    this.fates = [...fates];
    this.statuses = [];
    const { proxy, apiKey } = this;
    return createOtpClient({ url: proxy.url, apiKey, fetch: this.fetch });
  }

  readonly isBusy = (): boolean => this.pending > 0;

  newNumber(): string {
    this.numberCount += 1;
    return `+1415555${String(2_000 + this.numberCount)}`;
  }

  /** Sends a code to a new number, without the proxy. */
  async createVerification(): Promise<HistorySubject> {
    const phoneNumber = this.newNumber();
    const client = createOtpClient({ url: this.replica.url, apiKey: this.apiKey });
    const { pinId } = await client.send({ phoneNumber });
    const [rightCode = ''] = await this.getReceivedCodes(phoneNumber);
    return { phoneNumber, pinId, rightCode, wrongCode: wrongCode(rightCode) };
  }

  /**
   * Makes so many successful calls that a few failures do not open a circuit breaker. The service asks the
   * provider for the status only after a lost answer to a verify, so each round drops one.
   */
  async warmUp(): Promise<void> {
    const client = createOtpClient({ url: this.replica.url, apiKey: this.apiKey });
    for (let round = 1; round <= 6; round += 1) {
      const dropped = await this.createVerification();
      await callSandbox(this.sandboxUrl, 'PUT', 'faults', { operation: 'verify', kind: 'drop' });
      await client.verify({ pinId: dropped.pinId, otpCode: dropped.rightCode });
      const { pinId, rightCode } = await this.createVerification();
      await client.verify({ pinId, otpCode: rightCode });
    }
  }

  getReceivedCodes(phoneNumber: string): Promise<string[]> {
    return readCodes(this.sandboxUrl, phoneNumber);
  }

  async close(): Promise<void> {
    await this.running;
    await this.proxy.close();
    await this.replica.stop();
    rmSync(this.folder, { recursive: true });
  }

  private readonly fetch = async (url: string, init: RequestInit): Promise<Response> => {
    const fate = this.fates.shift() ?? ANSWERED;
    this.pending += 1;
    try {
      const response = await this.exchange(fate, url, init);
      this.statuses.push(response.status);
      return response;
    } catch (error) {
      this.statuses.push(0);
      throw error;
    } finally {
      this.pending -= 1;
    }
  };

  private async exchange(fate: RequestFate, url: string, init: RequestInit): Promise<Response> {
    switch (fate.kind) {
      case 'reset':
        this.proxy.breakAt(fate.delivered ? 'response' : 'request', 1);
        return fate.delivered ? this.deliver(url, init) : fetch(url, init);
      case 'proxy_error':
        if (fate.delivered) await this.deliver(url, init);
        return new Response('<h1>Bad gateway</h1>', { status: fate.status });
      case 'reset_while_running':
        await this.leaveRunning(url, init);
        throw new TypeError('fetch failed');
      case 'provider_refuses':
        await this.planFaults(url, { kind: 'unauthorized' });
        return this.deliver(url, init);
      case 'provider_answer_lost':
        await this.planFaults(url, { kind: 'drop', performed: true }, { kind: 'server-error' });
        return this.deliver(url, init);
      default:
        return this.deliver(url, init);
    }
  }

  /** Sends a request and returns its whole response, after every earlier request has ended too. */
  private async deliver(url: string, init: RequestInit): Promise<Response> {
    try {
      const response = await fetch(url, init);
      const { status, headers } = response;
      return new Response(await response.text(), { status, headers });
    } finally {
      await this.running;
      await callSandbox(this.sandboxUrl, 'DELETE', 'faults');
    }
  }

  /** Sends a request. Returns once the provider works on it, or once it ended without the provider. */
  private async leaveRunning(url: string, init: RequestInit): Promise<void> {
    const earlier = this.running;
    const slow = { kind: 'slow', delayMs: SLOW_MS };
    await this.planFaults(url, slow, slow);
    const request = fetch(url, init).then((response) => response.text());
    this.running = request;
    const hasEndedWithoutProvider = await Promise.race([
      request.then(() => true),
      this.waitForFault().then(() => false),
    ]);
    // The service rejected or replayed it, so an earlier request with the same key may still run.
    if (hasEndedWithoutProvider) await earlier;
    await callSandbox(this.sandboxUrl, 'DELETE', 'faults');
  }

  /** Resolves as soon as one of the two planned faults is used. */
  private async waitForFault(): Promise<void> {
    const list = () => callSandbox(this.sandboxUrl, 'GET', 'faults') as Promise<unknown[]>;
    while ((await list()).length === 2);
  }

  /** @param statusFault for the call by which the service asks the provider whether it verified a code */
  private async planFaults(url: string, fault: object, statusFault?: object): Promise<void> {
    const operation = new URL(url).pathname.slice('/otp/'.length);
    await callSandbox(this.sandboxUrl, 'PUT', 'faults', { operation, ...fault });
    if (statusFault)
      await callSandbox(this.sandboxUrl, 'PUT', 'faults', { operation: 'status', ...statusFault });
  }
}
