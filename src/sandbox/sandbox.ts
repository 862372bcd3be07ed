import { fastify, type FastifyError, type FastifyInstance } from 'fastify';
import { ApiError } from './infobip/api-error.js';
import { infobipRoutes } from './infobip/routes.js';
import { applicationSchema, read, templateSchema } from './infobip/schemas.js';
import { TwoFactor } from './infobip/two-factor.js';
import { Phone } from './phone.js';

export interface SandboxOptions {
  /** TCP port on 127.0.0.1; 0 takes a free one. */
  readonly port: number;
  /** Milliseconds since the epoch. Default: the machine's clock. */
  readonly now?: () => number;
}

export interface Sandbox {
  readonly url: string;
  close(): Promise<void>;
}

/** The service's settings name these outside production, so nobody has to create them. */
const APPLICATION_ID = 'sandbox-application';
const MESSAGE_ID = 'sandbox-message';

/** Starts an Infobip 2FA look-alike on the loopback address. It keeps everything in memory. */
export async function startSandbox({ port, now = Date.now }: SandboxOptions): Promise<Sandbox> {
  const server = fastify({ routerOptions: { ignoreTrailingSlash: true } });
  const phone = new Phone();
  const twoFactor = new TwoFactor(phone, now);
  furnish(twoFactor);

  server.setErrorHandler(async (error: FastifyError | ApiError, _request, reply) => {
    const answer = error instanceof ApiError ? error : frameworkError(error);
    return reply.code(answer.status).send(answer.body);
  });
  server.setNotFoundHandler(async () => {
    throw new ApiError(404);
  });
  await server.register(infobipRoutes(twoFactor));
  phoneRoutes(server, phone);

  const url = await server.listen({ host: '127.0.0.1', port });
  return { url, close: () => server.close() };
}

/** What a phone would have received. */
function phoneRoutes(server: FastifyInstance, phone: Phone): void {
  server.get<{ Querystring: { to?: string } }>('/sandbox/messages', async ({ query }) =>
    phone.inbox(query.to),
  );
}

/** Creates, under fixed ids, the application and the template that the service uses by default. */
function furnish(twoFactor: TwoFactor): void {
  const application = {
    name: 'Sandbox',
    configuration: {
      allowMultiplePinVerifications: false,
      verifyPinLimit: '100/1s',
      sendPinPerApplicationLimit: '1000000/1d',
      sendPinPerPhoneNumberLimit: '1000/1d',
    },
  };
  const template = {
    messageText: '{{pin}} is your code. Do not share it.',
    pinType: 'NUMERIC',
    pinLength: 6,
    senderId: 'Sandbox',
  };
  twoFactor.saveApplication(read(applicationSchema, application), APPLICATION_ID);
  twoFactor.saveTemplate(APPLICATION_ID, read(templateSchema, template), MESSAGE_ID);
}

function frameworkError({ statusCode = 500 }: FastifyError): ApiError {
  if (statusCode === 415) return new ApiError(415);
  return new ApiError(statusCode < 500 ? 400 : 500);
}
