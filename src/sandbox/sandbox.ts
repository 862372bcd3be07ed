// The sandbox simulates Infobip 2FA and Sinch Verification for development and tests.
// It imports nothing from the rest of `src`, so that the two cannot share a mistake.
// infobip/ and sinch/ are the APIs, reports/ sends their reports, faults/ makes calls and reports fail,
// and control/ lets tests steer all of it.
import { fastify, type FastifyInstance } from 'fastify';
import { useControlErrors } from './control/control-errors.js';
import { createControlRoutes } from './control/control-routes.js';
import { createMessageRoutes } from './control/message-routes.js';
import { createReportRoutes } from './control/report-routes.js';
import { FaultInjector } from './faults/fault-injector.js';
import { FixedPinStore } from './fixed-pin-store.js';
import { FloodFilter } from './infobip/flood-filter.js';
import { registerInfobipApi } from './infobip/infobip-api.js';
import { useInfobipErrors } from './infobip/infobip-error-handler.js';
import { createSubscription } from './infobip/subscription.js';
import { MessageInbox } from './message-inbox.js';
import { registerPageRoutes } from './page-routes.js';
import { ReportPlanner } from './reports/report-planner.js';
import { ReportQueue } from './reports/report-queue.js';
import { SandboxClock } from './sandbox-clock.js';
import type { SandboxSettings } from './sandbox-settings.js';
import { registerSinchApi } from './sinch/sinch-api.js';

export interface SandboxOptions extends ReportOptions {
  /** Address to listen on. Default: 127.0.0.1. */
  readonly host?: string;
  /** TCP port; 0 uses a free one. */
  readonly port: number;
  /** Milliseconds since the epoch. Default: `Date.now`. */
  readonly now?: () => number;
  /** The only valid Infobip API key. Default, also if empty: every key is valid. */
  readonly apiKey?: string | undefined;
  /** Whether Infobip's flood filter is simulated. Default: true. */
  readonly hasFloodFilter?: boolean;
}

interface ReportOptions {
  /** Where Infobip's delivery reports go. Default: nowhere, until a subscription is created. */
  readonly infobipReports?: InfobipReportOptions | undefined;
  /** The URL of the Sinch application for callbacks. Default, also if empty: none. */
  readonly sinchCallbackUrl?: string | undefined;
}

interface InfobipReportOptions {
  readonly url: string;
  /** Sent as header `x-delivery-token`. Default: no such header. */
  readonly token?: string | undefined;
  /** Signs each request by HMAC-SHA-256. Default: no signature. */
  readonly hmacSecret?: string | undefined;
  /** Name of the header with the signature. Default: `x-signature`. */
  readonly hmacHeader?: string | undefined;
}

/** A running sandbox. */
export interface Sandbox {
  /** Its address on this machine. */
  readonly url: string;
  /**
   * Sets where reports go: for servers that start after the sandbox. What is not given stays.
   * @throws Error for an invalid URL
   */
  setReportUrls(options: ReportOptions): void;
  close(): Promise<void>;
}

const BODY_LIMIT_BYTES = 16_384;

/** Starts the sandbox. All data is in memory and lost when it closes. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { host = '127.0.0.1', port, now: readSystemTime = Date.now, apiKey } = options;
  const server = fastify({
    bodyLimit: BODY_LIMIT_BYTES,
    // Otherwise streams, and calls with the fault `hang`, would keep the server from closing.
    forceCloseConnections: true,
    // Longer than any path that Node accepts, so that a long id is 404 like any unknown id.
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 16_384 },
  });
  const clock = new SandboxClock(readSystemTime);
  const now = () => clock.now();
  const settings = createSettings();
  const inbox = new MessageInbox();
  const faults = new FaultInjector();
  const fixedPins = new FixedPinStore();
  const reports = new ReportQueue(now);
  const planner = new ReportPlanner({ queue: reports, faults, now });
  server.addHook('onClose', async () => {
    reports.close();
  });

  allowEmptyJson(server);
  useInfobipErrors(server, settings);
  const { hasFloodFilter = true } = options;
  const floodFilter = hasFloodFilter ? new FloodFilter(now) : undefined;
  const shared = { inbox, faults, fixedPins, planner, settings, now };
  const subscriptions = await registerInfobipApi(server, { ...shared, floodFilter, apiKey });
  await registerSinchApi(server, { ...shared, queue: reports });
  await server.register(registerPageRoutes);
  await server.register(
    async (control) => {
      useControlErrors(control);
      allowCrossOriginReads(control);
      await control.register(createMessageRoutes(inbox, floodFilter));
      await control.register(createReportRoutes(reports, planner));
      await control.register(createControlRoutes({ clock, faults, fixedPins, settings, reports }));
    },
    { prefix: '/sandbox' },
  );

  const setReportUrls = ({ infobipReports, sinchCallbackUrl }: ReportOptions): void => {
    if (infobipReports) subscriptions.addSubscription(createSubscription(infobipReports));
    if (infobipReports?.hmacHeader) settings.reportHmacHeader = infobipReports.hmacHeader;
    if (sinchCallbackUrl !== undefined) settings.sinchCallbackUrl = sinchCallbackUrl;
  };
  setReportUrls(options);
  const url = await server.listen({ host, port });
  return { url, setReportUrls, close: () => server.close() };
}

const createSettings = (): SandboxSettings => ({
  errorShape: 'legacy',
  reportShape: 'v3',
  reportHmacHeader: 'x-signature',
  sinchCallbackUrl: '',
});

/** Accepts an empty JSON body: some clients set the content type on a resend without a body. */
function allowEmptyJson(server: FastifyInstance): void {
  const parse = server.getDefaultJsonParser('error', 'error');
  server.addContentTypeParser<string>(
    'application/json',
    { parseAs: 'string' },
    (request, body, done) => {
      if (body === '') done(null, undefined);
      else void parse(request, body, done);
    },
  );
}

/** Lets web pages of any origin read, but not change anything. */
function allowCrossOriginReads(control: FastifyInstance): void {
  control.addHook('onRequest', async ({ method }, reply) => {
    if (method === 'GET') void reply.header('access-control-allow-origin', '*');
  });
}
