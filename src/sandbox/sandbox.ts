import { fastify, type FastifyInstance } from 'fastify';
import { SandboxClock } from './sandbox-clock.js';
import { createControlRoutes } from './control/control-routes.js';
import { createMessageRoutes } from './control/message-routes.js';
import { useInfobipErrors, useControlErrors } from './infobip/infobip-error-handler.js';
import { FaultInjector } from './faults/fault-injector.js';
import { FixedPinStore } from './fixed-pin-store.js';
import { seedDefaults, SINCH_APPLICATION } from './defaults.js';
import { ApplicationStore } from './infobip/application-store.js';
import { createConfigurationRoutes } from './infobip/configuration-routes.js';
import { createPinRoutes } from './infobip/pin-routes.js';
import { PinService } from './infobip/pin-service.js';
import { MessageInbox } from './message-inbox.js';
import type { SandboxSettings } from './sandbox-settings.js';
import { createSinchRoutes } from './sinch/sinch-routes.js';
import { SinchService } from './sinch/sinch-service.js';

export interface SandboxOptions {
  /** TCP port on 127.0.0.1; 0 takes a free one. */
  readonly port: number;
  /** Milliseconds since the epoch. Default: the machine's clock. */
  readonly now?: () => number;
  /** The one key of Infobip's that is let in. Default, and if it is empty: any. */
  readonly apiKey?: string | undefined;
}

export interface Sandbox {
  readonly url: string;
  close(): Promise<void>;
}

const BODY_LIMIT_BYTES = 16_384;

/** Starts a look-alike of Infobip 2FA and of Sinch Verification on the loopback address. It keeps everything in memory. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { port, now = Date.now, apiKey } = options;
  const server = fastify({
    bodyLimit: BODY_LIMIT_BYTES,
    // A call that hangs on request, and a stream, must not keep the server from closing.
    forceCloseConnections: true,
    // Node lets no path be as long, so whatever a segment holds is looked up.
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 16_384 },
  });
  const clock = new SandboxClock(now);
  const settings: SandboxSettings = { errorShape: 'legacy' };
  const [inbox, faults, fixedPins] = [new MessageInbox(), new FaultInjector(), new FixedPinStore()];
  const applications = new ApplicationStore();
  seedDefaults(applications);
  const pinService = new PinService({
    applications: applications,
    inbox: inbox,
    fixedPins: fixedPins,
    now: () => clock.now(),
  });

  allowEmptyJson(server);
  useInfobipErrors(server, settings);
  await server.register(createConfigurationRoutes({ applications: applications, faults, apiKey }));
  await server.register(createPinRoutes({ pinService: pinService, faults, apiKey }));
  const sinchService = new SinchService({ inbox: inbox, fixedPins, now: () => clock.now() });
  await server.register(
    createSinchRoutes({ service: sinchService, faults, application: SINCH_APPLICATION }),
  );
  await server.register(
    async (own) => {
      useControlErrors(own);
      allowCrossOriginReads(own);
      await own.register(createMessageRoutes(inbox));
      await own.register(createControlRoutes({ clock, faults, fixedPins, settings }));
    },
    { prefix: '/sandbox' },
  );

  const url = await server.listen({ host: '127.0.0.1', port });
  return { url, close: () => server.close() };
}

/** Clients announce JSON even where they send nothing, as the first version's resend did. */
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

/** A page from anywhere may read, and only read. */
function allowCrossOriginReads(own: FastifyInstance): void {
  own.addHook('onRequest', async ({ method }, reply) => {
    if (method === 'GET') void reply.header('access-control-allow-origin', '*');
  });
}
