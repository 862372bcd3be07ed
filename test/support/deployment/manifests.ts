import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Deployment } from 'kubernetes-types/apps/v1.d.ts';
import type { HorizontalPodAutoscaler } from 'kubernetes-types/autoscaling/v2.d.ts';
import type { Service } from 'kubernetes-types/core/v1.d.ts';
import type { NetworkPolicy } from 'kubernetes-types/networking/v1.d.ts';
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.d.ts';
import { parse } from 'yaml';
import type { ServiceMonitor } from './service-monitor.js';
import type { TypedManifest } from './find-type-errors.js';

export const KUBERNETES = 'deploy/kubernetes';

export const readYaml = (path: string): unknown =>
  parse(readFileSync(join(KUBERNETES, path), 'utf8'));

export const deployment = readYaml('base/deployment.yaml') as Deployment;
export const service = readYaml('base/service.yaml') as Service;
export const disruptionBudget = readYaml('base/disruption-budget.yaml') as PodDisruptionBudget;
export const networkPolicy = readYaml('base/network-policy.yaml') as NetworkPolicy;
export const metricsService = readYaml('components/monitoring/metrics-service.yaml') as Service;
export const serviceMonitor = readYaml(
  'components/monitoring/service-monitor.yaml',
) as ServiceMonitor;
export const autoscaler = readYaml(
  'components/autoscaling/autoscaler.yaml',
) as HorizontalPodAutoscaler;

/** Every manifest, with its type. */
export const MANIFESTS: readonly TypedManifest[] = [
  ['Deployment', 'kubernetes-types/apps/v1.d.ts', deployment],
  ['Service', 'kubernetes-types/core/v1.d.ts', service],
  ['PodDisruptionBudget', 'kubernetes-types/policy/v1.d.ts', disruptionBudget],
  ['NetworkPolicy', 'kubernetes-types/networking/v1.d.ts', networkPolicy],
  ['Service', 'kubernetes-types/core/v1.d.ts', metricsService],
  ['ServiceMonitor', './test/support/deployment/service-monitor.js', serviceMonitor],
  ['HorizontalPodAutoscaler', 'kubernetes-types/autoscaling/v2.d.ts', autoscaler],
];

/** The pod of the deployment, and its only container. */
export const pod = deployment.spec?.template.spec;
export const container = pod?.containers[0];

/** The number of a port of the container. */
export const findContainerPort = (port: string) =>
  String(container?.ports?.find(({ name }) => name === port)?.containerPort);

/** One line of a file from which kustomize or kubectl reads environment variables. */
export interface EnvLine {
  readonly name: string;
  readonly value: string;
  /** Whether the line starts with `#`: it sets nothing and only shows the default. */
  readonly isComment: boolean;
}

/** The lines `NAME=value` and `#NAME=value` of a file; a value is taken literally, as kubectl does. */
export const readEnvLines = (path: string): EnvLine[] =>
  [...readFileSync(join(KUBERNETES, path), 'utf8').matchAll(/^(#?)([A-Z_]+)=(.*)$/gm)].map(
    ([, comment, name = '', value = '']) => ({ name, value, isComment: comment === '#' }),
  );

/** The variables that a file sets. */
export const readEnvFile = (path: string): Record<string, string> =>
  Object.fromEntries(
    readEnvLines(path)
      .filter(({ isComment }) => !isComment)
      .map(({ name, value }) => [name, value]),
  );
