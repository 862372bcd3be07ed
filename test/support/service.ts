import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyAdapter, NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import type { Agent } from 'supertest';
import { AppModule } from '../../src/app.module.js';
import { APPLICATION_OPTIONS, createFastifyAdapter, setupApp } from '../../src/app.setup.js';
import { Clock } from '../../src/common/clock.js';
import { seconds } from '../../src/common/durations.js';
import { httpConfig } from '../../src/config/http.config.js';
import { reportsConfig } from '../../src/config/reports.config.js';
import { serviceConfig } from '../../src/config/service.config.js';
import { createLogger } from '../../src/observability/logger.js';
import { NestLogger } from '../../src/observability/nest-logger.js';
import { InfobipCodeLengths } from '../../src/providers/infobip/infobip.code-lengths.js';
import { ProviderReportReceiver } from '../../src/provider-reports/provider-report-receiver.js';
import { startSandbox } from '../../src/sandbox/sandbox.js';
import { testEnvironment } from './config.js';
import { openApiValidatedAgent } from './openapi-validated-agent.js';
import { listMessages, readCodes } from './sandbox-calls.js';
import { FakeClock } from './fake-clock.js';
import { MemoryLog } from './memory-log.js';

interface Route {
  readonly method: string;
  readonly path: string;
}

/** The service as `main` starts it, on a free port and with a fake clock. */
export interface RunningService {
  readonly url: string;
  /** Gives access to the providers of the Nest container. */
  readonly app: NestFastifyApplication;
  readonly http: Agent;
  readonly clock: FakeClock;
  readonly log: MemoryLog;
  /** Every registered route, except those that reject a path's other methods. */
  readonly routes: readonly Route[];
  close(): Promise<void>;
}

export interface SandboxedService extends RunningService {
  readonly sandboxUrl: string;
  /** The codes that a phone received, newest first. */
  getReceivedCodes(phoneNumber: string): Promise<string[]>;
  /** The channels of the same messages, in the same order. */
  getReceivedChannels(phoneNumber: string): Promise<string[]>;
  /** The provider's PIN ids of the same messages, in the same order. */
  getProviderPinIds(phoneNumber: string): Promise<string[]>;
}

/** Starts the service with these settings; the others have their defaults. */
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
  const adapter = createFastifyAdapter(httpConfig(env), logger);
  const routes = recordRoutes(adapter);
  const app = module.createNestApplication<NestFastifyApplication>(adapter, {
    ...APPLICATION_OPTIONS,
    logger: new NestLogger(logger),
  });
  await setupApp(app, logger);
  // On a busy machine, storing a report can take longer than a provider should wait.
  if (reportsConfig(env).isOn)
    app.get(ProviderReportReceiver, { strict: false }).responseTimeoutMs = seconds(30);
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

function recordRoutes(adapter: FastifyAdapter): Route[] {
  const routes: Route[] = [];
  adapter.getInstance().addHook('onRoute', ({ method, url }) => {
    // Routes that reject a path's other methods have a list of methods.
    if (typeof method === 'string') routes.push({ method, path: url });
  });
  return routes;
}

/** Starts the service with a sandbox as its provider; both use the same clock. */
export async function startSandboxedService(
  settings: NodeJS.ProcessEnv = {},
  clock = new FakeClock(),
): Promise<SandboxedService> {
  const sandbox = await startSandbox({ port: 0, now: () => clock.now() });
  const service = await startService(
    { INFOBIP_BASE_URL: sandbox.url, SINCH_BASE_URL: sandbox.url, ...settings },
    clock,
  );
  // Otherwise the first send would not know the length of its code.
  await service.app.get(InfobipCodeLengths).read();
  return {
    ...service,
    sandboxUrl: sandbox.url,
    getReceivedCodes: (phoneNumber) => readCodes(sandbox.url, phoneNumber),
    getReceivedChannels: async (phoneNumber) =>
      (await listMessages(sandbox.url, phoneNumber)).map(({ channel }) => channel),
    getProviderPinIds: async (phoneNumber) =>
      (await listMessages(sandbox.url, phoneNumber)).map(({ pinId }) => pinId),
    close: async () => {
      await service.close();
      await sandbox.close();
    },
  };
}
