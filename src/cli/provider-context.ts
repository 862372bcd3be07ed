import { Module, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClientsModule } from '../clients/clients.module.js';
import { Clock } from '../common/clock.js';
import { EventBus } from '../common/events.js';
import type { Environment } from '../config/define-config.js';
import { configModule } from '../config/config.module.js';
import { NumberPolicy } from '../destinations/number-policy.js';
import { ProviderClientsModule } from '../providers/provider-clients.module.js';
import { PROVIDER_ROUTING } from '../providers/provider-routing.js';

@Module({ providers: [Clock, EventBus, NumberPolicy, ...PROVIDER_ROUTING] })
class CliModule {}

interface ContextSettings {
  readonly env: Environment;
  /** The settings that the clients in `CLIENTS_FILE` must not exceed; by default `env`. */
  readonly clientsEnv?: Environment;
}

/**
 * Runs `work` with a Nest context that has Infobip, Sinch and the checks of their accounts. Starts
 * no server and opens no database.
 */
export async function withProviderContext<T>(
  { env, clientsEnv = env }: ContextSettings,
  work: (context: INestApplicationContext) => Promise<T>,
): Promise<T> {
  const root = {
    module: CliModule,
    imports: [configModule(env), ClientsModule.with(clientsEnv), ProviderClientsModule],
  };
  const options = { logger: false, abortOnError: false } as const;
  const context = await NestFactory.createApplicationContext(root, options);
  try {
    return await work(context);
  } finally {
    await context.close();
  }
}
