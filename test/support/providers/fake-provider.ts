import { startSandbox, type Sandbox } from '../../../src/sandbox/sandbox.js';
import { callSandbox, listMessages, readCodes } from '../sandbox-calls.js';
import { freePort } from '../services/ports.js';

/** How a provider fails. */
export type FailureMode =
  'refuses connections' | 'hangs' | 'answers 500' | 'answers garbage' | 'answers 429';

/** The sandbox's fault for each mode. If `performed`, the message is sent and only the response fails. */
const FAULTS: Record<Exclude<FailureMode, 'refuses connections'>, object> = {
  hangs: { kind: 'hang', performed: true },
  'answers 500': { kind: 'server-error', performed: true },
  'answers garbage': { kind: 'garbage', performed: true },
  'answers 429': { kind: 'throttled' },
};

/** A provider with its own URL that can fail and recover. */
export interface FakeProvider {
  readonly url: string;
  startFailing(mode: FailureMode): Promise<void>;
  stopFailing(mode: FailureMode): Promise<void>;
  /** The codes that a phone received from this provider, newest first. */
  getReceivedCodes(phoneNumber: string): Promise<string[]>;
  /** All codes that were received, by phone number. */
  listCodes(): Promise<Map<string, string[]>>;
  close(): Promise<void>;
}

export async function startFakeProvider(): Promise<FakeProvider> {
  const port = await freePort();
  const url = `http://127.0.0.1:${String(port)}`;
  let sandbox: Sandbox | undefined = await startSandbox({ port });
  const close = async () => {
    await sandbox?.close();
    sandbox = undefined;
  };
  return {
    url,
    startFailing: async (mode) => {
      if (mode === 'refuses connections') return close();
      for (const operation of ['send', 'resend', 'verify']) {
        const fault = { operation, times: 1_000_000, ...FAULTS[mode] };
        await callSandbox(url, 'PUT', 'faults', fault);
      }
    },
    stopFailing: async (mode) => {
      if (mode === 'refuses connections') sandbox = await startSandbox({ port });
      else await callSandbox(url, 'DELETE', 'faults');
    },
    getReceivedCodes: async (phoneNumber) => (sandbox ? readCodes(url, phoneNumber) : []),
    listCodes: async () => {
      const codes = new Map<string, string[]>();
      for (const { to, pin } of sandbox ? await listMessages(url) : []) {
        // Infobip writes numbers without a +, Sinch with it.
        const phoneNumber = `+${to.replace('+', '')}`;
        codes.set(phoneNumber, [...(codes.get(phoneNumber) ?? []), pin]);
      }
      return codes;
    },
    close,
  };
}
