import { authConfig } from '../../src/config/auth.config.js';
import type { Environment } from '../../src/config/define-config.js';
import { destinationsConfig } from '../../src/config/destinations.config.js';
import { encryptionConfig } from '../../src/config/encryption.config.js';
import { parseEnvironment } from '../../src/config/environment.js';
import { httpConfig } from '../../src/config/http.config.js';
import { limitsConfig } from '../../src/config/limits.config.js';
import { otpConfig } from '../../src/config/otp.config.js';
import { outboundConfig } from '../../src/config/outbound.config.js';
import { proofConfig } from '../../src/config/proof.config.js';
import { providersConfig } from '../../src/config/providers.config.js';
import { pumpingConfig } from '../../src/config/pumping.config.js';
import { reportsConfig } from '../../src/config/reports.config.js';
import { serviceConfig } from '../../src/config/service.config.js';
import { storageConfig } from '../../src/config/storage.config.js';
import { throttleConfig } from '../../src/config/throttle.config.js';
import { tracingConfig } from '../../src/config/tracing.config.js';
import { webhooksConfig } from '../../src/config/webhooks.config.js';

/** The environment of a test: these settings, and a secret. */
export const testEnvironment = (settings: NodeJS.ProcessEnv = {}): Environment =>
  parseEnvironment({ OTP_SECRET: 'a master secret that only tests know of', ...settings });

/** Every namespace of the configuration, by its name. */
export const readConfig = (env: Environment) => ({
  service: serviceConfig(env),
  http: httpConfig(env),
  encryption: encryptionConfig(env),
  auth: authConfig(env),
  providers: providersConfig(env),
  reports: reportsConfig(env),
  outbound: outboundConfig(env),
  destinations: destinationsConfig(env),
  storage: storageConfig(env),
  otp: otpConfig(env),
  limits: limitsConfig(env),
  throttle: throttleConfig(env),
  pumping: pumpingConfig(env),
  proof: proofConfig(env),
  webhooks: webhooksConfig(env),
  tracing: tracingConfig(env),
});
