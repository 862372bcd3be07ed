import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';
import { APPLICATION_OPTIONS, createAdapter, setupApp } from './app.setup.js';
import type { ProviderName } from './common/provider-name.js';
import { loadConfig } from './config/load-config.js';
import { jsonLog } from './observability/json-log.js';
import { createLogger } from './observability/logger.js';
import { NestLogger } from './observability/nest-logger.js';
import { dressFor, terminalLog } from './observability/terminal-log.js';
import { exitOnSignal, shutDownOnSignal } from './shutdown.js';
import { welcome } from './welcome.js';

async function main(): Promise<void> {
  exitOnSignal();
  const config = loadConfig();
  const { stdout } = process;
  // Somebody looks on who has no machine to read the log.
  const watched = stdout.isTTY && !config.production;
  const logger = createLogger(config.logLevel, watched ? terminalLog(stdout) : jsonLog());
  const app = await NestFactory.create(AppModule.with(config), createAdapter(config, logger), {
    ...APPLICATION_OPTIONS,
    logger: new NestLogger(logger),
    abortOnError: false,
  });
  const { sandbox } = config;
  // Before the application comes up, because it looks at its provider as soon as it is up.
  if (sandbox?.startOnPort) await startSandboxOn(sandbox.startOnPort, config.providers[0]);
  await setupApp(app, logger);
  shutDownOnSignal(app, config, logger);
  const { host, port } = config.http;
  await app.listen(port, host).catch((error: unknown) => {
    throw new Error(
      `The service cannot listen on ${host}, port ${String(port)}: ${(error as Error).message}.\n` +
        `Set PORT to a free one, and HOST to an address of this machine.`,
    );
  });
  if (sandbox) {
    const text = welcome(await app.getUrl(), sandbox.url, config.apiKeys.length > 0);
    stdout.write(watched ? dressFor(stdout)('bold', text) : text);
  }
}

/** Imported only when wanted, so that production never loads it. */
async function startSandboxOn(port: number, provider: ProviderName): Promise<void> {
  const { startSandbox } = await import('./sandbox/sandbox.js');
  await startSandbox({ port }).catch((error: unknown) => {
    throw new Error(
      `The sandbox cannot listen on port ${String(port)}: ${(error as Error).message}.\n` +
        `Set SANDBOX_PORT to a free one or, if a sandbox runs there already, ` +
        `${provider.toUpperCase()}_BASE_URL=http://127.0.0.1:${String(port)}.`,
    );
  });
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exit(1);
}
