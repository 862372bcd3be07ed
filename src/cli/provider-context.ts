import { Module, type DynamicModule, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { Environment } from '../config/define-config.js';
import { configModule } from '../config/config.module.js';
import { AccountsModule } from '../providers/accounts.module.js';

@Module({})
class CliModule {
  static with(env: Environment): DynamicModule {
    return { module: CliModule, imports: [configModule(env), AccountsModule] };
  }
}

/** Runs `work` with access to the provider accounts; starts no server and opens no database. */
export async function withProviderContext<T>(
  env: Environment,
  work: (context: INestApplicationContext) => Promise<T>,
): Promise<T> {
  const context = await NestFactory.createApplicationContext(CliModule.with(env), {
    logger: false,
    abortOnError: false,
  });
  try {
    return await work(context);
  } finally {
    await context.close();
  }
}
