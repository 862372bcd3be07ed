// The sandbox simulates Infobip 2FA and Sinch Verification for development and tests.
// It imports nothing from the rest of `src`, so that the two cannot share a mistake.
// infobip/ and sinch/ are the APIs, faults/ makes calls fail, control/ lets tests steer all of it.
import { fastify, type FastifyInstance } from 'fastify';
import { useControlErrors } from './control/control-errors.js';
import { createControlRoutes } from './control/control-routes.js';
import { createMessageRoutes } from './control/message-routes.js';
import { seedDefaults, SINCH_APPLICATION } from './defaults.js';
import { FaultInjector } from './faults/fault-injector.js';
import { FixedPinStore } from './fixed-pin-store.js';
import { ApplicationStore } from './infobip/application-store.js';
import { FloodFilter } from './infobip/flood-filter.js';
import { createConfigurationRoutes } from './infobip/configuration-routes.js';
import { useInfobipErrors } from './infobip/infobip-error-handler.js';
import { createPinRoutes } from './infobip/pin-routes.js';
import { PinService } from './infobip/pin-service.js';
import { MessageInbox } from './message-inbox.js';
import { registerPageRoutes } from './page-routes.js';
import { SandboxClock } from './sandbox-clock.js';
import type { SandboxSettings } from './sandbox-settings.js';
import { createSinchRoutes } from './sinch/sinch-routes.js';
import { SinchVerificationService } from './sinch/sinch-verification-service.js';

export interface SandboxOptions {
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

/** A running sandbox. */
export interface Sandbox {
  /** Its address on this machine. */
  readonly url: string;
  close(): Promise<void>;
}

const BODY_LIMIT_BYTES = 16_384;

/** Starts the sandbox. All data is in memory and lost when it closes. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { host = '127.0.0.1', port, now: readSystemTime = Date.now, apiKey } = options;
  const { hasFloodFilter = true } = options;
  const server = fastify({
    bodyLimit: BODY_LIMIT_BYTES,
    // Otherwise streams, and calls with the fault `hang`, would keep the server from closing.
    forceCloseConnections: true,
    // Longer than any path that Node accepts, so that a long id is 404 like any unknown id.
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 16_384 },
  });
  const clock = new SandboxClock(readSystemTime);
  const now = () => clock.now();
  const settings: SandboxSettings = { errorShape: 'legacy' };
  const inbox = new MessageInbox();
  const faults = new FaultInjector();
  const fixedPins = new FixedPinStore();
  const applications = new ApplicationStore();
  seedDefaults(applications);
  const floodFilter = hasFloodFilter ? new FloodFilter(now) : undefined;
  const pinService = new PinService({ applications, inbox, fixedPins, floodFilter, now });
  const sinchVerifications = new SinchVerificationService({ inbox, fixedPins, now });

  allowEmptyJson(server);
  useInfobipErrors(server, settings);
  await server.register(createConfigurationRoutes({ applications, faults, apiKey }));
  await server.register(createPinRoutes({ pinService, faults, apiKey, now }));
  await server.register(
    createSinchRoutes({ sinchVerifications, faults, application: SINCH_APPLICATION }),
  );
  await server.register(registerPageRoutes);
  await server.register(
    async (control) => {
      useControlErrors(control);
      allowCrossOriginReads(control);
      await control.register(createMessageRoutes(inbox, floodFilter));
      await control.register(createControlRoutes({ clock, faults, fixedPins, settings }));
    },
    { prefix: '/sandbox' },
  );

  const url = await server.listen({ host, port });
  return { url, close: () => server.close() };
}

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
