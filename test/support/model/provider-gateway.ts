import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { Pool } from 'undici';
import { listen } from '../listen.js';
import type { PlannedCallFault, ProviderCall, ProviderResponseRecord } from './operation.js';
import { readProviderPinId, toCallResult } from './provider-results.js';

/** Faults that the sandbox makes, by the names of its control API. */
const SANDBOX_FAULTS = ['unreachable', 'not-sent', 'expired', 'exhausted'] as const;
/**
 * `_before`: the provider does not perform the call. `_after`: the provider performs the call, but its
 * response is lost or replaced. `clock`: the clock moves during the call.
 */
type ResponseFault =
  | 'drop_before'
  | 'drop_after'
  | 'error_before'
  | 'error_after'
  | 'garbage_after'
  | 'throttled'
  | 'bad_request'
  | 'slow'
  | 'clock';
export type GatewayFault = (typeof SANDBOX_FAULTS)[number] | ResponseFault;

/**
 * A proxy between the service and the sandbox. It records every call with the operation that caused
 * the call, and makes the planned faults.
 */
export interface ProviderGateway {
  readonly url: string;
  /** Every call so far, in the order in which they came. */
  readonly calls: ProviderCall[];
  /** The code of each message, by provider PIN id. */
  readonly codes: Map<string, string>;
  planFault(operationId: string, fault: PlannedCallFault): void;
  close(): Promise<void>;
}

interface TestClock {
  now(): number;
  advance(ms: number): void;
}

export async function startProviderGateway(
  sandboxUrl: string,
  clock: TestClock,
): Promise<ProviderGateway> {
  const sandbox = new Pool(sandboxUrl, { connections: 16 });
  const calls: ProviderCall[] = [];
  const codes = new Map<string, string>();
  const planned = new Map<string, PlannedCallFault>();

  const request = async (
    method: string,
    path: string,
    headers: Record<string, string> = {},
    body?: string,
  ): Promise<ProviderResponseRecord> => {
    const response = await sandbox.request({
      method,
      path,
      headers,
      body: body ?? null,
    });
    const content = await response.body.text();
    const date = Date.parse(String(response.headers['date']));
    return { status: response.statusCode, date, body: content === '' ? {} : JSON.parse(content) };
  };

  const forward = async (call: ProviderCall, incoming: IncomingMessage, body: string) => {
    if (isSandboxFault(call.fault)) {
      // Sinch has no resend: its resend is a send.
      const operation =
        call.provider === 'sinch' && call.operation === 'resend' ? 'send' : call.operation;
      const fault = { operation, kind: call.fault, provider: call.provider };
      await request('PUT', '/sandbox/faults', JSON_TYPE, JSON.stringify(fault));
    }
    const { method = '', url = '', headers } = incoming;
    call.providerResponse = await request(method, url, selectHeaders(headers), body);
    call.received = call.providerResponse;
    const sends = call.operation === 'send' || call.operation === 'resend';
    if (sends && toCallResult(call).kind === 'accepted') await readCode(call, body);
  };

  /** Reads the code of an accepted message. A resend by Infobip has the code of the send. */
  const readCode = async (call: ProviderCall, body: string) => {
    const pinId = readProviderPinId(call);
    if (body === '' || (call.provider === 'infobip' && codes.has(pinId))) return;
    const { to, identity } = JSON.parse(body) as { to?: string; identity?: { endpoint: string } };
    const recipient = to ?? identity?.endpoint ?? '';
    const { body: inbox } = await request(
      'GET',
      `/sandbox/messages?to=${encodeURIComponent(recipient)}`,
    );
    const message = (inbox as { pinId: string; pin: string }[]).find(
      (other) => other.pinId === pinId,
    );
    if (message) codes.set(pinId, message.pin);
  };

  /** Returns the planned fault of a call, which happens only once. */
  const takeFault = (plan: PlannedCallFault | undefined, call: ProviderCall) => {
    if (plan?.provider !== call.provider) return undefined;
    const isStatus = call.operation === 'status';
    const fault = isStatus ? plan.statusFault : plan.fault;
    planned.set(call.operationId, {
      ...plan,
      ...(isStatus ? { statusFault: undefined } : { fault: undefined }),
    });
    return fault;
  };

  const handle = async (incoming: IncomingMessage, response: ServerResponse) => {
    const call = toProviderCall(incoming, calls.length, clock.now());
    // The check of the account at the start has no request id, since it belongs to no operation.
    if (incoming.headers['x-request-id'] !== undefined) calls.push(call);
    const body = await text(incoming);
    Object.assign(call, readCodeField(body));
    const plan = planned.get(call.operationId);
    Object.assign(call, { fault: takeFault(plan, call) });
    if (!NOT_PERFORMED.includes(call.fault)) await forward(call, incoming, body);
    if (call.fault === 'slow') await delay(8);
    if (call.fault === 'clock') clock.advance(plan?.advanceMs ?? 0);
    call.endedAt = clock.now();
    call.received = toReceived(call);
    if (!call.received) {
      response.destroy();
      return;
    }
    const isText = typeof call.received.body === 'string';
    response.writeHead(call.received.status, {
      'content-type': isText ? 'text/html' : JSON_TYPE['content-type'],
      ...(call.received.date !== undefined && { date: new Date(call.received.date).toUTCString() }),
    });
    response.end(isText ? call.received.body : JSON.stringify(call.received.body));
  };

  const server = createServer((incoming, response) => void handle(incoming, response));
  // Closing an idle connection could race with a new request on it.
  server.keepAliveTimeout = 0;
  const { url, close } = await listen(server);
  return {
    url,
    calls,
    codes,
    planFault: (operationId, fault) => planned.set(operationId, fault),
    close: async () => {
      await close();
      await sandbox.destroy();
    },
  };
}

const JSON_TYPE = { 'content-type': 'application/json' };

const NOT_PERFORMED: readonly unknown[] = [
  'drop_before',
  'error_before',
  'throttled',
  'bad_request',
];

/** The response that reaches the service. */
function toReceived({
  fault,
  providerResponse,
  provider,
}: ProviderCall): ProviderResponseRecord | undefined {
  switch (fault) {
    case 'drop_before':
    case 'drop_after':
      return undefined;
    case 'error_before':
    case 'error_after':
      return { status: 500, body: {} };
    case 'garbage_after':
      return { status: 200, body: '<html>Bad gateway</html>' };
    case 'throttled':
      return { status: 429, body: {} };
    case 'bad_request':
      return { status: 400, body: provider === 'sinch' ? { errorCode: 40003 } : {} };
    default:
      return providerResponse;
  }
}

const INFOBIP_PATH =
  /^\/2fa\/2\/pin(?:\/voice)?(?:\/(?<pinId>[^/?]+)\/(?<operation>resend|verify)(?:\/voice)?)?(?:\?.*)?$/;
const SINCH_PATH = /^\/verification\/v1\/verifications(?:\/id\/(?<pinId>[^/?]+))?$/;

function toProviderCall(
  { method, url = '', headers }: IncomingMessage,
  sequence: number,
  now: number,
): ProviderCall {
  const infobip = INFOBIP_PATH.exec(url);
  const sinch = SINCH_PATH.exec(url);
  const { pinId, operation } = infobip?.groups ?? sinch?.groups ?? {};
  const sinchOperation = method === 'GET' ? 'status' : method === 'PUT' ? 'verify' : 'send';
  const infobipOperation = method === 'GET' ? 'status' : (operation ?? 'send');
  return {
    operationId: String(headers['x-request-id']),
    sequence,
    provider: url.startsWith('/verification') ? 'sinch' : 'infobip',
    operation: (sinch ? sinchOperation : infobipOperation) as ProviderCall['operation'],
    path: url,
    providerPinId: pinId,
    code: undefined,
    fault: undefined,
    startedAt: now,
    endedAt: now,
    providerResponse: undefined,
    received: undefined,
  };
}

function readCodeField(body: string): { code?: string } {
  if (body === '') return {};
  const fields = JSON.parse(body) as {
    pin?: string;
    sms?: { code: string };
    callout?: { code: string };
    whatsapp?: { code: string };
  };
  const { sms, callout, whatsapp } = fields;
  const code = fields.pin ?? (sms ?? callout ?? whatsapp)?.code;
  return code === undefined ? {} : { code };
}

const isSandboxFault = (fault: GatewayFault | undefined): boolean =>
  (SANDBOX_FAULTS as readonly unknown[]).includes(fault);

/** The headers to forward: without those that belong to the connection. */
const selectHeaders = (headers: IncomingMessage['headers']): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).filter(
      (entry): entry is [string, string] =>
        typeof entry[1] === 'string' &&
        !/^(host|connection|content-length|transfer-encoding)$/.test(entry[0]),
    ),
  );
