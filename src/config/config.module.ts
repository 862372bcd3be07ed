import type { DynamicModule } from '@nestjs/common';
import { ConfigModule, registerAs } from '@nestjs/config';
import type { Environment } from './config-namespace.js';
import { NAMESPACES } from './namespaces.js';

/**
 * The configuration of one application, global. The namespaces close over an environment that is
 * validated once: `validationSchema` rejects empty values, and `validate` writes to process.env.
 */
export const configModule = (env: Environment): Promise<DynamicModule> =>
  ConfigModule.forRoot({
    isGlobal: true,
    cache: true,
    skipProcessEnv: true,
    ignoreEnvFile: true,
    validatePredefined: false,
    load: NAMESPACES.map((namespace) => {
      const config = namespace(env);
      return registerAs(namespace.namespace, () => config);
    }),
  });
