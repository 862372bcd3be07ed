import 'reflect-metadata';
import { styleText } from 'node:util';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { DestinationStream, Logger } from 'pino';
import { AppModule } from './app.module.js';
import { APPLICATION_OPTIONS, createFastifyAdapter, setupApp } from './app.setup.js';
import { EventBus } from './common/events.js';
import { authConfig } from './config/auth.config.js';
import type { Environment } from './config/define-config.js';
import { httpConfig, type HttpConfig } from './config/http.config.js';
import { loadEnvironment } from './config/environment.js';
import { providersConfig } from './config/providers.config.js';
import {
  INFOBIP_REPORTS_PATH,
  reportsConfig,
  type ReportsConfig,
} from './config/reports.config.js';
import { serviceConfig } from './config/service.config.js';
import { createLogger } from './observability/logger.js';
import { NestLogger } from './observability/nest-logger.js';
import { StdoutStream } from './observability/stdout-stream.js';
import type { Sandbox } from './sandbox/sandbox.js';
import { quickStartMessage } from './quick-start-message.js';
import { shutDownOnSignal } from './shutdown.js';

/**
 * Starts the service.
 * @throws Error with a message for the operator, such as for an invalid setting or a port in use
 */
export async function bootstrap(): Promise<void> {
  const stdout = new StdoutStream();
  // Until the settings are known.
  let logger = createLogger('fatal', stdout);
  try {
    const env = loadEnvironment();
    const { isProduction, logLevel } = serviceConfig(env);
    logger = createLogger(logLevel, await createLogStream(stdout, isProduction));
    await startService(env, logger, stdout);
  } catch (error) {
    // main.ts prints the message on standard error, which a terminal shows, too.
    if (!process.stdout.isTTY) logger.fatal((error as Error).message);
    throw error;
  }
}

async function startService(env: Environment, logger: Logger, stdout: StdoutStream): Promise<void> {
  stdout.on('recovered', (lostLines, errorCode) => {
    const fields = { lines: lostLines, code: errorCode };
    logger.warn(fields, 'log lines were lost: standard output could not be written');
  });
  process.on('uncaughtExceptionMonitor', (err) => {
    logger.fatal({ err }, 'crashed');
  });
  for (const warning of env.warnings) logger.warn(warning);
  const http = httpConfig(env);
  const adapter = createFastifyAdapter(http, logger);
  const app = await NestFactory.create(AppModule.with(env), adapter, {
    ...APPLICATION_OPTIONS,
    logger: new NestLogger(logger),
    abortOnError: false,
  });
  const events = app.get(EventBus);
  stdout.on('lost', (lines) => {
    events.emit({ type: 'log_lines_lost', lines });
  });
  const { sandbox, names: providerNames } = providersConfig(env);
  // Start the sandbox before the application, whose account check calls it.
  const startedSandbox =
    sandbox?.startOn &&
    (await startSandboxOn(sandbox.startOn, `${providerNames[0].toUpperCase()}_BASE_URL`));
  await setupApp(app, logger);
  const listening = listen(app, http);
  shutDownOnSignal(app, logger, listening);
  await listening;
  startedSandbox?.setReportUrls(getReportUrls(await app.getUrl(), reportsConfig(env)));
  if (sandbox) {
    const needsKey = authConfig(env).needsApiKey;
    const message = quickStartMessage(await app.getUrl(), sandbox.url, needsKey);
    stdout.write(styleText('bold', message));
  }
}

async function listen(app: INestApplication, { host, port }: HttpConfig): Promise<void> {
  await app.listen(port, host).catch((error: unknown) => {
    throw new Error(
      `The service cannot listen on ${host}, port ${String(port)}: ${(error as Error).message}.\n` +
        `Set PORT to a free one, and HOST to an address of this machine.`,
    );
  });
}

/** Readable lines if a developer watches a terminal, JSON otherwise. */
async function createLogStream(
  output: DestinationStream,
  isProduction: boolean,
): Promise<DestinationStream> {
  const { stdout } = process;
  if (isProduction || !stdout.isTTY) return output;
  const { createPrettyLogStream } = await import('./observability/pretty-log-stream.js');
  return createPrettyLogStream(output, stdout.hasColors());
}

/**
 * Starts a sandbox. Imported dynamically, so that production never loads the sandbox.
 * @param baseUrlSetting the setting that would name a running sandbox, for the error message
 */
async function startSandboxOn(
  address: { readonly host: string; readonly port: number },
  baseUrlSetting: string,
): Promise<Sandbox> {
  const { startSandbox } = await import('./sandbox/sandbox.js').catch(explainMissingSandbox);
  const { port } = address;
  return startSandbox(address).catch((error: unknown) => {
    throw new Error(
      `The sandbox cannot listen on port ${String(port)}: ${(error as Error).message}.\n` +
        `Set SANDBOX_PORT to a free one or, if a sandbox runs there already, ` +
        `${baseUrlSetting}=http://127.0.0.1:${String(port)}.`,
    );
  });
}

/** The container image has no sandbox. */
function explainMissingSandbox(error: NodeJS.ErrnoException): never {
  const isMissing = error.message.includes("/sandbox/sandbox.js' imported");
  if (error.code !== 'ERR_MODULE_NOT_FOUND' || !isMissing) throw error;
  throw new Error(
    'This build has no sandbox. Set the base URLs and credentials of the providers, ' +
      'or build the image with the target trial.',
    { cause: error },
  );
}

/** The report URLs and credentials for the sandbox, as an operator sets them at a real provider. */
function getReportUrls(url: string, { infobip, sinch }: ReportsConfig) {
  const infobipReports = infobip && {
    url: `${url}${INFOBIP_REPORTS_PATH}`,
    token: infobip.tokens[0],
    hmacSecret: infobip.hmac?.secrets[0],
    hmacHeader: infobip.hmac?.header,
  };
  return { infobipReports, sinchCallbackUrl: sinch?.url };
}
