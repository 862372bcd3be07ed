import { setTimeout as delay } from 'node:timers/promises';
import { startSandbox, type Sandbox } from '../../../src/sandbox/sandbox.js';
import { startReplica, type Replica } from '../replica.js';
import { callSandbox, listMessages } from '../sandbox-calls.js';
import { wrongCode } from '../wrong-code.js';
import {
  FIXTURE_SETTINGS,
  FLOWS,
  TEST_CODE,
  type FlowName,
  type Step,
  type StoredFlow,
  type StoredRequest,
} from './scenario.js';

const COOLDOWN_MS = 1_000;

/** The flows whose requests filled a database. */
export interface FilledDatabase {
  /** Milliseconds since the epoch. */
  readonly filledAt: number;
  readonly flows: Readonly<Record<FlowName, StoredFlow>>;
}

/**
 * Fills a database by the HTTP API of a build.
 * @param dist the folder of the build's `main.js`
 * @param storage the settings that select the database
 */
export async function fillDatabase(
  dist: string,
  storage: NodeJS.ProcessEnv,
): Promise<FilledDatabase> {
  const sandbox = await startSandbox({ port: 0 });
  const settings = {
    ...FIXTURE_SETTINGS,
    ...storage,
    INFOBIP_BASE_URL: sandbox.url,
    SEND_COOLDOWN: `${String(COOLDOWN_MS)}ms`,
  };
  const replica = await startReplica(settings, { build: dist });
  const flows: [FlowName, StoredFlow][] = [];
  for (const { name, phoneNumber, steps } of FLOWS) {
    const flow = new Flow(name, phoneNumber, replica, sandbox);
    for (const step of steps) await flow.run(step);
    flows.push([name, await flow.getStoredFlow()]);
  }
  const filledAt = Date.now();
  await replica.stop();
  await sandbox.close();
  return { filledAt, flows: Object.fromEntries(flows) as Record<FlowName, StoredFlow> };
}

/** Sends the requests for one phone number, and keeps them with their answers. */
class Flow {
  private pinId = '';
  private readonly requests: StoredRequest[] = [];

  constructor(
    private readonly name: FlowName,
    private readonly phoneNumber: string,
    private readonly replica: Replica,
    private readonly sandbox: Sandbox,
  ) {}

  async run(step: Step): Promise<void> {
    switch (step) {
      case 'send':
        this.pinId = (await this.post('send', { phoneNumber: this.phoneNumber })).pinId ?? '';
        return;
      case 'lost resend':
        await callSandbox(this.sandbox.url, 'PUT', 'faults', { operation: 'resend', kind: 'hang' });
        await this.resend();
        return;
      case 'resend':
        await this.resend();
        return;
      case 'right code':
      case 'wrong code': {
        const { code } = await this.getStoredFlow();
        const otpCode = step === 'right code' ? code : wrongCode(code);
        await this.post('verify', { pinId: this.pinId, otpCode });
        return;
      }
      case 'cancel':
        await fetch(`${this.replica.url}/otp/${this.pinId}`, { method: 'DELETE' });
    }
  }

  async getStoredFlow(): Promise<StoredFlow> {
    const { phoneNumber, pinId, requests } = this;
    const [message] = await listMessages(this.sandbox.url, phoneNumber);
    const { pin = TEST_CODE, pinId: providerPinId } = message ?? {};
    return { phoneNumber, pinId, requests, code: pin, ...(providerPinId && { providerPinId }) };
  }

  private async resend(): Promise<void> {
    await delay(COOLDOWN_MS);
    await this.post('resend', { pinId: this.pinId });
  }

  private async post(operation: string, body: object): Promise<{ pinId?: string }> {
    const path = `/otp/${operation}`;
    const key = `${this.name}-${String(this.requests.length)}`;
    const response = await fetch(`${this.replica.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify(body),
    });
    const answer = (await response.json()) as { pinId?: string };
    this.requests.push({ path, key, body, status: response.status, answer });
    return answer;
  }
}
