import { startSandbox, type Sandbox } from '../../../src/sandbox/sandbox.js';
import { freePort } from '../free-port.js';

/** What is wrong with a provider. */
export type FailureMode =
  'refuses connections' | 'hangs' | 'answers 500' | 'answers garbage' | 'answers 429';

/** How a call of that trouble ends; `performed` where the text leaves and only the answer is spoilt. */
const FAULTS: Record<Exclude<FailureMode, 'refuses connections'>, object> = {
  hangs: { kind: 'hang', performed: true },
  'answers 500': { kind: 'server-error', performed: true },
  'answers garbage': { kind: 'garbage', performed: true },
  'answers 429': { kind: 'throttled' },
};

/** One provider at an address of its own, with troubles that come and go. */
export interface FakeProvider {
  readonly url: string;
  startFailing(trouble: FailureMode): Promise<void>;
  stopFailing(trouble: FailureMode): Promise<void>;
  /** The codes that a phone received from it, newest first. */
  codesOf(phoneNumber: string): Promise<string[]>;
  /** All that phones received from it, by number. */
  inbox(): Promise<Map<string, string[]>>;
  close(): Promise<void>;
}

interface Received {
  readonly to: string;
  readonly pin: string;
}

export async function startFakeProvider(): Promise<FakeProvider> {
  const port = await freePort();
  const url = `http://127.0.0.1:${String(port)}`;
  let sandbox: Sandbox | undefined = await startSandbox({ port });
  const received = async (query = ''): Promise<Received[]> =>
    sandbox ? ((await (await fetch(`${url}/sandbox/messages${query}`)).json()) as Received[]) : [];
  const close = async () => {
    await sandbox?.close();
    sandbox = undefined;
  };
  return {
    url,
    startFailing: async (trouble) => {
      if (trouble === 'refuses connections') return close();
      for (const operation of ['send', 'resend', 'verify']) {
        const fault = { operation, times: 1_000_000, ...FAULTS[trouble] };
        await control(`${url}/sandbox/faults`, 'PUT', fault);
      }
    },
    stopFailing: async (trouble) => {
      if (trouble === 'refuses connections') sandbox = await startSandbox({ port });
      else await control(`${url}/sandbox/faults`, 'DELETE');
    },
    codesOf: async (phoneNumber) =>
      (await received(`?to=${encodeURIComponent(phoneNumber)}`)).map(({ pin }) => pin),
    inbox: async () => {
      const texts = new Map<string, string[]>();
      for (const { to, pin } of await received()) {
        // Each vendor has its own way to write a number.
        const phoneNumber = `+${to.replace('+', '')}`;
        texts.set(phoneNumber, [...(texts.get(phoneNumber) ?? []), pin]);
      }
      return texts;
    },
    close,
  };
}

async function control(url: string, method: string, body?: object): Promise<void> {
  const response = await fetch(url, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`the sandbox answered ${String(response.status)}`);
}
