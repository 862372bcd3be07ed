// The sandbox simulates Infobip 2FA and Sinch Verification for development and tests.
// It imports nothing from the rest of `src`, so that it cannot share a mistake of the service.
// infobip/ and sinch/ are the APIs, and reports/ sends their delivery reports and callbacks. faults/ makes
// requests and reports fail. control/ has the routes with which tests control the sandbox.
import { fastify, type FastifyInstance } from 'fastify';
import { useControlErrors } from './control/control-errors.js';
import { createControlRoutes } from './control/control-routes.js';
import { settingsSchema } from './control/control-schemas.js';
import { createMessageRoutes } from './control/message-routes.js';
import { createReportRoutes } from './control/report-routes.js';
import { FaultInjector } from './faults/fault-injector.js';
import { FixedPinStore } from './fixed-pin-store.js';
import { FloodFilter } from './infobip/flood-filter.js';
import { registerInfobipApi } from './infobip/infobip-api.js';
import { useInfobipErrors } from './infobip/infobip-error-handler.js';
import { createSubscription } from './infobip/subscription.js';
import { acceptOnlyLocalHosts } from './local-hosts.js';
import { MessageInbox } from './message-inbox.js';
import { registerPageRoutes } from './page-routes.js';
import { ReportPlanner } from './reports/report-planner.js';
import { ReportQueue } from './reports/report-queue.js';
import { SandboxClock } from './sandbox-clock.js';
import type { SandboxSettings } from './sandbox-settings.js';
import { registerSinchApi } from './sinch/sinch-api.js';
import { validateInput } from './validate-input.js';

export interface SandboxOptions extends ReportOptions {
  /** Address to listen on. Default: 127.0.0.1. */
  readonly host?: string;
  /** TCP port; 0 uses a free one. */
  readonly port: number;
  /** The time before the clock is moved, in milliseconds since the epoch. Default: `Date.now`. */
  readonly now?: () => number;
  /** The only valid Infobip API key. If missing or empty, every key is valid. */
  readonly apiKey?: string | undefined;
  /** Whether Infobip's flood filter is simulated. Default: true. */
  readonly hasFloodFilter?: boolean;
}

interface ReportOptions {
  /** Where Infobip's delivery reports go. Default: nowhere, until a subscription is created. */
  readonly infobipReports?: InfobipReportOptions | undefined;
  /** The callback URL of the Sinch application. If missing or empty, no callbacks are sent. */
  readonly sinchCallbackUrl?: string | undefined;
}

interface InfobipReportOptions {
  readonly url: string;
  /** Sent as header `x-delivery-token`. Default: no such header. */
  readonly token?: string | undefined;
  /** Secret key of the HMAC-SHA-256 of each request. Default: no HMAC. */
  readonly hmacSecret?: string | undefined;
  /** Name of the header with the HMAC. Default: `x-signature`. */
  readonly hmacHeader?: string | undefined;
}

/** A running sandbox. */
export interface Sandbox {
  /** Its base URL, such as `http://127.0.0.1:3999`. */
  readonly url: string;
  /**
   * Sets where reports are sent, for a server that starts after the sandbox. Omitted options keep their
   * values.
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
    // Otherwise streams, and requests with the fault `hang`, would keep the server from closing.
    forceCloseConnections: true,
    // Longer than any path that Node accepts, so that a long id gets 404 like any unknown id.
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

  acceptOnlyLocalHosts(server, host);
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
    // Validates both URLs before anything changes.
    const callbackSettings =
      sinchCallbackUrl === undefined ? {} : validateInput(settingsSchema, { sinchCallbackUrl });
    if (infobipReports) subscriptions.addSubscription(createSubscription(infobipReports));
    if (infobipReports?.hmacHeader) settings.reportHmacHeader = infobipReports.hmacHeader;
    Object.assign(settings, callbackSettings);
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

/** Lets web pages of any origin call the `GET` routes, but no others. */
function allowCrossOriginReads(control: FastifyInstance): void {
  control.addHook('onRequest', async ({ method }, reply) => {
    if (method === 'GET') void reply.header('access-control-allow-origin', '*');
  });
}
