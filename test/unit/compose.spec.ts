import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { parseDuration } from '../../src/common/durations.js';
import { SETTING_NAMES } from '../../src/config/config.module.js';
import { parseEnvironment } from '../../src/config/environment.js';
import { providersConfig } from '../../src/config/providers.config.js';
import { serviceConfig } from '../../src/config/service.config.js';
import { getMaxRequestMs } from '../../src/storage/max-request-duration.js';
import { PRODUCTION_SETTINGS } from '../support/production-settings.js';

interface ComposeService {
  readonly [field: string]: unknown;
  readonly environment: Record<string, string>;
  readonly depends_on: Record<string, { condition: string }>;
  readonly stop_grace_period: string;
}

describe('compose.yaml', () => {
  const text = readFileSync('compose.yaml', 'utf8');
  const { services, volumes } = parse(text) as {
    services: Record<'otp' | 'postgres' | 'redis', ComposeService>;
    volumes: object;
  };
  const { otp } = services;

  it('starts two replicas after PostgreSQL and Redis are healthy', () => {
    expect(otp['deploy']).toEqual({ replicas: 2 });
    expect(Object.keys(otp.depends_on)).toEqual(['postgres', 'redis']);
    for (const [name, { condition }] of Object.entries(otp.depends_on)) {
      expect(condition).toBe('service_healthy');
      expect(services[name as 'redis']['healthcheck']).toHaveProperty('test');
    }
    expect(otp.environment['DATABASE_URL']).toContain('@postgres:');
    expect(new URL(otp.environment['REDIS_URL'] ?? '').hostname).toBe('redis');
    expect(volumes).toHaveProperty('postgres');
  });

  it('contains settings that production accepts, and no password', () => {
    const { environment } = otp;

    // PGPASSWORD is read by the PostgreSQL driver.
    expect(Object.keys(environment).filter((name) => !SETTING_NAMES.includes(name))).toEqual([
      'PGPASSWORD',
    ]);
    const env = parseEnvironment({ ...PRODUCTION_SETTINGS, ...environment });
    expect(serviceConfig(env).isProduction).toBe(true);
    expect(parseDuration(otp.stop_grace_period)).toBeGreaterThan(
      serviceConfig(env).shutdownDelayMs + getMaxRequestMs(providersConfig(env)),
    );
    const password = '${POSTGRES_PASSWORD:?set it in .env}';
    expect(text.match(/\w*PASSWORD: .*/g)).toEqual([
      `PGPASSWORD: ${password}`,
      `POSTGRES_PASSWORD: ${password}`,
    ]);
  });

  it('gives the service minimal privileges, and publishes its ports only locally', () => {
    expect(otp).toMatchObject({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
      ports: [expect.stringMatching(/^127\.0\.0\.1:/)],
    });
    expect(services.postgres).not.toHaveProperty('ports');
    expect(services.redis).not.toHaveProperty('ports');
  });
});
