import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Deployment } from 'kubernetes-types/apps/v1.d.ts';
import type { ConfigMap, Service } from 'kubernetes-types/core/v1.d.ts';
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.d.ts';
import ts from 'typescript';
import { parse } from 'yaml';
import { parseDuration, seconds } from '../../src/common/durations.js';
import type { Environment } from '../../src/config/define-config.js';
import { parseEnvironment } from '../../src/config/environment.js';
import { SETTING_NAMES } from '../../src/config/config.module.js';
import { providersConfig } from '../../src/config/providers.config.js';
import { serviceConfig } from '../../src/config/service.config.js';
import { getMaxRequestMs } from '../../src/storage/max-request-duration.js';

const FOLDER = 'deploy/kubernetes';

/** Settings that are or contain secrets. */
const SECRETS = {
  OTP_SECRET: 'a master secret that only tests know of',
  API_KEYS: `client:${createHash('sha256').update('key').digest('hex')}`,
  DATABASE_URL: 'postgres://otp@postgres:5432/otp',
  REDIS_URL: 'redis://redis:6379',
  INFOBIP_API_KEY: 'key',
};

const read = (name: string): unknown => parse(readFileSync(join(FOLDER, name), 'utf8'));
const deployment = read('deployment.yaml') as Deployment;
const config = read('config.yaml') as ConfigMap;
const service = read('service.yaml') as Service;
const budget = read('disruption-budget.yaml') as PodDisruptionBudget;
const pod = deployment.spec?.template.spec;
const container = pod?.containers[0];
const labels = deployment.spec?.template.metadata?.labels;

const MANIFESTS: [kind: string, module: string, manifest: object][] = [
  ['Deployment', 'apps/v1', deployment],
  ['ConfigMap', 'core/v1', config],
  ['Service', 'core/v1', service],
  ['PodDisruptionBudget', 'policy/v1', budget],
];

/**
 * Type-checks manifests against the Kubernetes API's types of their kinds, all in one program.
 * @returns the errors of each
 */
function typeErrorsOf(objects: typeof MANIFESTS): string[][] {
  const sources = new Map(
    objects.map(([kind, module, object], index) => [
      resolve(`manifest-${String(index)}.ts`),
      `import type { ${kind} } from 'kubernetes-types/${module}.d.ts';\n` +
        `export const manifest: ${kind} = ${JSON.stringify(object)};\n`,
    ]),
  );
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    module: ts.ModuleKind.NodeNext,
    types: [],
  };
  const host = ts.createCompilerHost(options);
  const onDisk = { ...host };
  host.fileExists = (path) => sources.has(path) || onDisk.fileExists(path);
  host.getSourceFile = (path, target, ...rest) => {
    const text = sources.get(path);
    return text === undefined
      ? onDisk.getSourceFile(path, target, ...rest)
      : ts.createSourceFile(path, text, target);
  };
  const program = ts.createProgram([...sources.keys()], options, host);
  return [...sources.keys()].map((path) =>
    ts
      .getPreEmitDiagnostics(program, program.getSourceFile(path))
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n')),
  );
}

/** The longest time from SIGTERM to the end of the last request. */
const longestStopMs = (env: Environment): number =>
  serviceConfig(env).shutdownDelayMs + getMaxRequestMs(providersConfig(env));

describe('Kubernetes manifests', () => {
  describe('conform to the types of the Kubernetes API:', () => {
    let errors: string[][];
    let errorsWithUnknownField: string[][];

    beforeAll(() => {
      const changed = MANIFESTS.map(([kind, module, manifest]): (typeof MANIFESTS)[number] => [
        kind,
        module,
        { ...manifest, unknown: 1 },
      ]);
      const found = typeErrorsOf([...MANIFESTS, ...changed]);
      errors = found.slice(0, MANIFESTS.length);
      errorsWithUnknownField = found.slice(MANIFESTS.length);
    });

    it.each(MANIFESTS.map(([kind], index) => [kind, index] as const))('%s', (_kind, index) => {
      expect(errors[index]).toEqual([]);
      expect(errorsWithUnknownField[index]).toHaveLength(1);
    });
  });

  it('are all listed in the kustomization', () => {
    const { resources } = read('kustomization.yaml') as { resources: string[] };
    const files = readdirSync(FOLDER).filter((name) => name !== 'kustomization.yaml');

    expect([...resources].sort()).toEqual(files.sort());
  });

  it('refer to each other’s names, labels and ports', () => {
    expect(deployment.spec?.selector.matchLabels).toEqual(labels);
    expect(service.spec?.selector).toEqual(labels);
    expect(budget.spec?.selector?.matchLabels).toEqual(labels);
    const portOf = (port: string) =>
      String(container?.ports?.find(({ name }) => name === port)?.containerPort);
    // Clients cannot reach the metrics port.
    expect(service.spec?.ports?.map(({ targetPort }) => targetPort)).toEqual(['http']);
    expect(config.data).toMatchObject({ PORT: portOf('http'), METRICS_PORT: portOf('metrics') });
    expect(container?.envFrom).toEqual([{ configMapRef: { name: config.metadata?.name } }]);
  });

  it('contain settings that production accepts', () => {
    expect(Object.keys(config.data ?? {}).filter((name) => !SETTING_NAMES.includes(name))).toEqual(
      [],
    );
    const env = parseEnvironment({ ...config.data, ...SECRETS });
    expect(serviceConfig(env).isProduction).toBe(true);
  });

  it('refer to secrets and contain none', () => {
    const named = container?.env?.map(({ name, value, valueFrom }) => {
      expect(value).toBeUndefined();
      expect(valueFrom?.secretKeyRef?.key).toBe(name);
      return name;
    });

    expect(named?.sort()).toEqual(Object.keys(SECRETS).sort());
    expect(Object.keys(config.data ?? {}).filter((name) => name in SECRETS)).toEqual([]);
  });

  it('give the container minimal privileges', () => {
    expect(pod).toMatchObject({
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    });
    expect(container?.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
  });

  it('probe the health endpoints of the service', () => {
    const pathOf = (probe: { httpGet?: { path?: string } } | undefined) => probe?.httpGet?.path;

    expect(pathOf(container?.startupProbe)).toBe('/health/live');
    expect(pathOf(container?.livenessProbe)).toBe('/health/live');
    expect(pathOf(container?.readinessProbe)).toBe('/health/ready');
  });

  it('keep one replica serving during updates and evictions', () => {
    const { replicas = 1, strategy } = deployment.spec ?? {};

    expect(replicas).toBeGreaterThan(Number(budget.spec?.maxUnavailable));
    expect(strategy?.rollingUpdate?.maxUnavailable).toBe(0);
    expect(pod?.topologySpreadConstraints?.[0]?.labelSelector?.matchLabels).toEqual(labels);
  });

  it('give a stopping replica time to leave the load balancer and to finish its requests', () => {
    const env = parseEnvironment({ ...config.data, ...SECRETS });
    const { periodSeconds = 10, failureThreshold = 3 } = container?.readinessProbe ?? {};

    expect(seconds(periodSeconds * failureThreshold)).toBeLessThan(
      serviceConfig(env).shutdownDelayMs,
    );
    expect(seconds(pod?.terminationGracePeriodSeconds ?? 0)).toBeGreaterThan(longestStopMs(env));
  });
});

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
  const fromEnvFile = { ...SECRETS, INFOBIP_BASE_URL: 'https://a.api.infobip.com' };

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
    const ids = { INFOBIP_APP_ID: 'application', INFOBIP_MESSAGE_ID: 'message' };

    // PGPASSWORD is read by the PostgreSQL driver.
    expect(Object.keys(environment).filter((name) => !SETTING_NAMES.includes(name))).toEqual([
      'PGPASSWORD',
    ]);
    const env = parseEnvironment({ ...fromEnvFile, ...ids, ...environment });
    expect(serviceConfig(env).isProduction).toBe(true);
    expect(parseDuration(otp.stop_grace_period)).toBeGreaterThan(longestStopMs(env));
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
