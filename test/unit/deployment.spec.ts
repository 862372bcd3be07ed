import { readdirSync, readFileSync } from 'node:fs';
import { seconds } from '../../src/common/durations.js';
import { providersConfig } from '../../src/config/providers.config.js';
import { serviceConfig } from '../../src/config/service.config.js';
import { POOL_SIZE } from '../../src/storage/engines/postgres.js';
import { getShutdownTimeoutMs } from '../../src/shutdown.js';
import {
  BASE_FILE,
  readPodSettings,
  SECRETS_FILE,
  SETTINGS_FILE,
} from '../support/deployment/pod-settings.js';
import {
  autoscaler,
  disruptionBudget,
  container,
  deployment,
  KUBERNETES,
  MANIFESTS,
  metricsService,
  networkPolicy,
  pod,
  findContainerPort,
  readEnvFile,
  readYaml,
  service,
  serviceMonitor,
} from '../support/deployment/manifests.js';
import { findTypeErrors } from '../support/deployment/find-type-errors.js';

const labels = deployment.spec?.template.metadata?.labels;

describe('Kubernetes manifests', () => {
  describe('conform to the types of their API:', () => {
    let errors: string[][];
    let errorsWithUnknownField: string[][];

    beforeAll(() => {
      const changed = MANIFESTS.map(
        ([typeName, module, manifest]) => [typeName, module, { ...manifest, unknown: 1 }] as const,
      );
      const found = findTypeErrors([...MANIFESTS, ...changed]);
      errors = found.slice(0, MANIFESTS.length);
      errorsWithUnknownField = found.slice(MANIFESTS.length);
    });

    it.each(MANIFESTS.map(([typeName], index) => [typeName, index] as const))(
      '%s',
      (_typeName, index) => {
        expect(errors[index]).toEqual([]);
        expect(errorsWithUnknownField[index]).toHaveLength(1);
      },
    );
  });

  it.each(['base', 'components/monitoring', 'components/autoscaling'])(
    'are all listed in the kustomization of %s',
    (folder) => {
      const { resources } = readYaml(`${folder}/kustomization.yaml`) as { resources: string[] };
      const files = readdirSync(`${KUBERNETES}/${folder}`).filter((name) => name.endsWith('.yaml'));

      expect([...resources, 'kustomization.yaml'].sort()).toEqual(files.sort());
    },
  );

  it('refer to each other’s names, labels and ports', () => {
    expect(deployment.spec?.selector.matchLabels).toEqual(labels);
    expect(disruptionBudget.spec?.selector?.matchLabels).toEqual(labels);
    expect(networkPolicy.spec?.podSelector.matchLabels).toEqual(labels);
    expect(autoscaler.spec?.scaleTargetRef.name).toBe(deployment.metadata?.name);
    for (const { spec } of [service, metricsService]) expect(spec?.selector).toEqual(labels);
    // Clients cannot reach the metrics port.
    expect(service.spec?.ports?.map(({ targetPort }) => targetPort)).toEqual(['http']);
    expect(readEnvFile(BASE_FILE)).toMatchObject({
      PORT: findContainerPort('http'),
      METRICS_PORT: findContainerPort('metrics'),
    });
  });

  it('have the metrics scraped as the job that the alerts expect', () => {
    const { endpoints, selector, jobLabel = '' } = serviceMonitor.spec;
    const text = readFileSync('deploy/prometheus/alerts.yaml', 'utf8');

    expect(metricsService.metadata?.labels).toMatchObject(selector.matchLabels ?? {});
    expect(metricsService.spec?.ports).toEqual([
      {
        name: endpoints[0]?.port,
        port: Number(findContainerPort('metrics')),
        targetPort: 'metrics',
      },
    ]);
    expect(text).toContain(`job="${metricsService.metadata?.labels?.[jobLabel] ?? ''}"`);
  });

  it('let clients reach the HTTP port, and Prometheus the metrics port', () => {
    const { ingress, policyTypes } = networkPolicy.spec ?? {};
    const portNames = container?.ports?.map(({ name }) => name);

    expect(policyTypes).toEqual(['Ingress', 'Egress']);
    expect(ingress?.map(({ ports }) => ports?.map(({ port }) => port))).toEqual([
      ['http'],
      ['metrics'],
    ]);
    expect(portNames).toEqual(['http', 'metrics']);
    for (const { from } of ingress ?? []) expect(from).not.toHaveLength(0);
  });

  it('let the pods reach DNS and the ports of their URLs, and nothing else', () => {
    const example = { ...readEnvFile(SETTINGS_FILE), ...readEnvFile(SECRETS_FILE) };
    const urls = [example['DATABASE_URL'], example['REDIS_URL'], example['INFOBIP_BASE_URL']];
    const ports = urls.map((url) => Number(new URL(url ?? '').port || 443));

    expect(networkPolicy.spec?.egress).toEqual([
      {
        ports: [
          { port: 53, protocol: 'UDP' },
          { port: 53, protocol: 'TCP' },
          ...ports.map((port) => ({ port })),
        ],
      },
    ]);
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
    const get = (path: string) => ({ httpGet: { path, port: 'http' } });

    expect(container?.startupProbe).toMatchObject(get('/health/live'));
    expect(container?.livenessProbe).toMatchObject(get('/health/live'));
    expect(container?.readinessProbe).toMatchObject(get('/health/ready'));
  });

  it('keep one replica serving during updates and evictions', () => {
    const { replicas = 1, strategy } = deployment.spec ?? {};
    const minReplicas = Math.min(replicas, autoscaler.spec?.minReplicas ?? 1);

    expect(minReplicas).toBeGreaterThan(Number(disruptionBudget.spec?.maxUnavailable));
    expect(strategy?.rollingUpdate?.maxUnavailable).toBe(0);
    expect(pod?.topologySpreadConstraints?.[0]?.labelSelector?.matchLabels).toEqual(labels);
  });

  it('say how many connections to PostgreSQL an update with the most replicas opens', () => {
    const { maxReplicas = 0 } = autoscaler.spec ?? {};
    const file = `${KUBERNETES}/components/autoscaling/autoscaler.yaml`;
    // A Deployment does not count the replicas that stop. One connection migrates the database.
    const connections = String(2 * maxReplicas * POOL_SIZE + 1);

    for (const path of ['docs/deploying.md', file]) {
      expect(readFileSync(path, 'utf8')).toContain(` ${connections}`);
    }
  });

  it('give a stopping replica time to leave the load balancer and to finish its requests', () => {
    const sinch = { SINCH_APPLICATION_KEY: 'key', SINCH_APPLICATION_SECRET: 'c2VjcmV0' };
    // A send takes longest if both providers are tried.
    const env = readPodSettings({ PROVIDERS: 'infobip,sinch', ...sinch });
    const { periodSeconds = 10, failureThreshold = 3 } = container?.readinessProbe ?? {};

    expect(seconds(periodSeconds * failureThreshold)).toBeLessThan(
      serviceConfig(env).shutdownDelayMs,
    );
    expect(seconds(pod?.terminationGracePeriodSeconds ?? 0)).toBeGreaterThan(
      serviceConfig(env).shutdownDelayMs + getShutdownTimeoutMs(providersConfig(env)),
    );
  });
});
