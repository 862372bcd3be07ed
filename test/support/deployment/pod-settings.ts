import { createHash } from 'node:crypto';
import type { Environment } from '../../../src/config/define-config.js';
import { parseEnvironment } from '../../../src/config/environment.js';
import { readEnvFile } from './manifests.js';

/** The files in deploy/kubernetes with the settings of the pods. */
export const [BASE_FILE, SETTINGS_FILE, SECRETS_FILE] = [
  'base/settings.env',
  'overlays/production/settings.env',
  'overlays/production/secret.env.example',
];

/** The settings of the pods in deploy/kubernetes, with test values for the empty secrets. */
export const readPodSettings = (changes: Record<string, string> = {}): Environment =>
  parseEnvironment({
    ...readEnvFile(BASE_FILE),
    ...readEnvFile(SETTINGS_FILE),
    ...readEnvFile(SECRETS_FILE),
    OTP_SECRET: 'a master secret that only tests know of',
    API_KEYS: `client:${createHash('sha256').update('key').digest('hex')}`,
    INFOBIP_API_KEY: 'key',
    ...changes,
  });
