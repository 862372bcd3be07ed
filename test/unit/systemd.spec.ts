import { readFileSync } from 'node:fs';
import { parseDuration } from '../../src/common/durations.js';
import { parseEnvironment } from '../../src/config/environment.js';
import { providersConfig } from '../../src/config/providers.config.js';
import { serviceConfig } from '../../src/config/service.config.js';
import { storageConfig } from '../../src/config/storage.config.js';
import { getShutdownTimeoutMs } from '../../src/shutdown.js';
import { PRODUCTION_SETTINGS } from '../support/production-settings.js';

describe('deploy/systemd/otp-service.service', () => {
  const text = readFileSync('deploy/systemd/otp-service.service', 'utf8');
  const valuesOf = (name: string) =>
    [...text.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map(([, value = '']) => value);
  const env = parseEnvironment({
    ...PRODUCTION_SETTINGS,
    NODE_ENV: undefined,
    ...Object.fromEntries(valuesOf('Environment').map((assignment) => assignment.split('='))),
    PROVIDERS: 'infobip,sinch',
    SINCH_APPLICATION_KEY: 'key',
    SINCH_APPLICATION_SECRET: 'c2VjcmV0',
  });

  it('runs the build with the command of `npm run start:prod`, in production', () => {
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as {
      scripts: { 'start:prod': string };
    };

    expect(valuesOf('ExecStart')).toEqual([`/usr/bin/${scripts['start:prod']}`]);
    expect(serviceConfig(env).isProduction).toBe(true);
  });

  it('keeps the SQLite file in the only folder that the service can write to', () => {
    expect(valuesOf('ProtectSystem')).toEqual(['strict']);
    expect(text).not.toMatch(
      /^(ReadWritePaths|BindPaths|(Cache|Logs|Runtime|Configuration)Directory)=/m,
    );
    expect(storageConfig(env).dataDir).toBe(`/var/lib/${valuesOf('StateDirectory')[0] ?? ''}`);
  });

  it('gives a stopping service time to finish its requests', () => {
    const timeoutMs = parseDuration(`${valuesOf('TimeoutStopSec')[0] ?? ''}s`);

    expect(timeoutMs).toBeGreaterThan(
      serviceConfig(env).shutdownDelayMs + getShutdownTimeoutMs(providersConfig(env)),
    );
  });
});
