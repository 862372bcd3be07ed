import { Module, type DynamicModule, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { Environment } from '../config/config-namespace.js';
import { configModule } from '../config/config.module.js';
import { AccountsModule } from '../providers/accounts.module.js';

@Module({})
class CliModule {
  static with(env: Environment): DynamicModule {
    return { module: CliModule, imports: [configModule(env), AccountsModule] };
  }
}

/** Does `work` with the vendor's account; no server listens and no database is opened. */
export async function withAccount<T>(
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
