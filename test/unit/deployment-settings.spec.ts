import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { SETTING_NAMES } from '../../src/config/config.module.js';
import { serviceConfig } from '../../src/config/service.config.js';
import {
  BASE_FILE,
  readPodSettings,
  SECRETS_FILE,
  SETTINGS_FILE,
} from '../support/deployment/pod-settings.js';
import { container, readEnvLines } from '../support/deployment/manifests.js';

/** Settings that a pod does not need, and why. */
const NOT_FOR_KUBERNETES = {
  ALLOW_UNAUTHENTICATED: 'production refuses it',
  DATA_DIR: 'SQLite has one process; pods share PostgreSQL and write no files',
  HTTP_PROXY: 'HTTPS_PROXY does the same',
  METRICS_CLIENT: 'METRICS_PORT serves the metrics',
  METRICS_PUBLIC: 'METRICS_PORT serves the metrics',
  SANDBOX_HOST: 'production has no sandbox',
  SANDBOX_PORT: 'production has no sandbox',
};

describe('The settings of the Kubernetes manifests', () => {
  it('are all settings of the service, each in one place', () => {
    const places = [BASE_FILE, SETTINGS_FILE, SECRETS_FILE].flatMap((path) =>
      readEnvLines(path).map(({ name }) => name),
    );

    expect([...places, ...Object.keys(NOT_FOR_KUBERNETES)].sort()).toEqual(
      [...SETTING_NAMES].sort(),
    );
  });

  it('are accepted in production, without a warning', () => {
    const env = readPodSettings();

    expect(serviceConfig(env).isProduction).toBe(true);
    expect(env.warnings).toEqual([]);
  });

  it('show the default of each setting that is commented out', () => {
    const defaults = parseEnv(readFileSync('.env.example', 'utf8').replace(/^#(?=[A-Z])/gm, ''));
    const shown = readEnvLines(SETTINGS_FILE).filter(({ isComment }) => isComment);

    expect(Object.fromEntries(shown.map(({ name, value }) => [name, value]))).toEqual(
      Object.fromEntries(shown.map(({ name }) => [name, defaults[name]])),
    );
  });

  it('need no secret of a provider that is not used', () => {
    const names = readEnvLines(SECRETS_FILE).map(({ name }) => name);

    expect(names).toEqual(
      expect.arrayContaining(['SINCH_APPLICATION_KEY', 'SINCH_APPLICATION_SECRET']),
    );
    expect(container?.env).toBeUndefined();
    expect(container?.envFrom).toEqual([
      { configMapRef: { name: 'otp-service' } },
      { secretRef: { name: 'otp-service' } },
    ]);
  });
});
