import type { ObjectMeta, LabelSelector } from 'kubernetes-types/meta/v1.d.ts';

/**
 * The fields of the Prometheus operator's ServiceMonitor that the manifest uses, as in the API
 * reference of `monitoring.coreos.com/v1`.
 */
export interface ServiceMonitor {
  readonly apiVersion: 'monitoring.coreos.com/v1';
  readonly kind: 'ServiceMonitor';
  readonly metadata: ObjectMeta;
  readonly spec: {
    readonly endpoints: readonly {
      /** The name of a port of the Service. */
      readonly port: string;
      readonly interval?: `${number}s`;
    }[];
    readonly selector: LabelSelector;
    /** The label of the Service that gives the job its name. */
    readonly jobLabel?: string;
  };
}
