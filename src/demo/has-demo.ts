import type { AuthConfig } from '../config/auth.config.js';
import type { ProvidersConfig } from '../config/providers.config.js';

/** The demo page is available only with the sandbox and without API keys. */
export const hasDemo = ({ sandbox }: ProvidersConfig, { needsApiKey }: AuthConfig): boolean =>
  sandbox !== undefined && !needsApiKey;
