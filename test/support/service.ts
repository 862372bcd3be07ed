import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyAdapter, NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import type { Agent } from 'supertest';
import { AppModule } from '../../src/app.module.js';
import { APPLICATION_OPTIONS, createAdapter, setupApp } from '../../src/app.setup.js';
import { Clock } from '../../src/common/clock.js';
import { httpConfig } from '../../src/config/http.config.js';
import { serviceConfig } from '../../src/config/service.config.js';
import { createLogger } from '../../src/observability/logger.js';
import { NestLogger } from '../../src/observability/nest-logger.js';
import { startSandbox, type Sandbox } from '../../src/sandbox/sandbox.js';
import { testEnvironment } from './config.js';
import { openApiValidatedAgent } from './openapi-validated-agent.js';
import { FakeClock } from './fake-clock.js';
import { MemoryLog } from './memory-log.js';

interface Route {
  readonly method: string;
  readonly path: string;
}

/** The service as `main` starts it, listening on a free port, with a clock that the test moves. */
export interface RunningService {
  readonly url: string;
  /** For what it provides. */
  readonly app: NestFastifyApplication;
  readonly http: Agent;
  readonly clock: FakeClock;
  readonly log: MemoryLog;
  /** Every route that does something, as it was made. */
  readonly routes: readonly Route[];
  close(): Promise<void>;
}

export interface SandboxedService extends RunningService {
  /** The codes that a phone received, newest first. */
  codesOf(phoneNumber: string): Promise<string[]>;
  /** How they came. */
  channelsOf(phoneNumber: string): Promise<string[]>;
  /** What the provider calls them. */
  providerPinIdsOf(phoneNumber: string): Promise<string[]>;
}

/** Starts the service with these settings; whatever is not given has its default. */
export async function startService(
  settings: NodeJS.ProcessEnv,
  clock = new FakeClock(),
): Promise<RunningService> {
  const log = new MemoryLog();
  const dataDir = mkdtempSync(join(tmpdir(), 'otp-data-'));
  const env = testEnvironment({ NODE_ENV: 'test', DATA_DIR: dataDir, ...settings });
  const logger = createLogger(serviceConfig(env).logLevel, log);
  const module = await Test.createTestingModule({ imports: [AppModule.with(env)] })
    .overrideProvider(Clock)
    .useValue(clock)
    .compile();
  const adapter = createAdapter(httpConfig(env), logger);
  const routes = noteRoutes(adapter);
  const app = module.createNestApplication<NestFastifyApplication>(adapter, {
    ...APPLICATION_OPTIONS,
    logger: new NestLogger(logger),
  });
  await setupApp(app, logger);
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  return {
    app,
    url,
    http: openApiValidatedAgent(url),
    clock,
    log,
    routes,
    close: async () => {
      await app.close();
      rmSync(dataDir, { recursive: true });
    },
  };
}

function noteRoutes(adapter: FastifyAdapter): Route[] {
  const routes: Route[] = [];
  adapter.getInstance().addHook('onRoute', ({ method, url }) => {
    // Those that refuse a path's other methods come as a list.
    if (typeof method === 'string') routes.push({ method, path: url });
  });
  return routes;
}

/** Starts the service and a sandbox that it texts to; both live by the same clock. */
export async function startSandboxedService(
  settings: NodeJS.ProcessEnv = {},
): Promise<SandboxedService> {
  const clock = new FakeClock();
  const sandbox = await startSandbox({ port: 0, now: () => clock.now() });
  const service = await startService(
    { INFOBIP_BASE_URL: sandbox.url, SINCH_BASE_URL: sandbox.url, ...settings },
    clock,
  );
  return {
    ...service,
    codesOf: async (phoneNumber) => (await inboxOf(sandbox, phoneNumber)).map(({ pin }) => pin),
    channelsOf: async (phoneNumber) =>
      (await inboxOf(sandbox, phoneNumber)).map(({ channel }) => channel),
    providerPinIdsOf: async (phoneNumber) =>
      (await inboxOf(sandbox, phoneNumber)).map(({ pinId }) => pinId),
    close: async () => {
      await service.close();
      await sandbox.close();
    },
  };
}

interface Received {
  readonly pin: string;
  readonly pinId: string;
  readonly channel: string;
}

async function inboxOf({ url }: Sandbox, phoneNumber: string): Promise<Received[]> {
  const inbox = await fetch(`${url}/sandbox/messages?to=${encodeURIComponent(phoneNumber)}`);
  return (await inbox.json()) as Received[];
}
