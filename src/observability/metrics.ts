import { Inject, Injectable } from '@nestjs/common';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { seconds } from '../common/durations.js';
import { ClientDirectory } from '../clients/client-directory.js';
import { ClientsFileReader } from '../clients/clients-file-reader.js';
import { EventBus } from '../common/events.js';
import { STORAGE_OPERATIONS } from '../common/label-values.js';
import { VERSION } from '../common/version.js';
import { providersConfig, type ProvidersConfig } from '../config/providers.config.js';
import { webhooksConfig, type WebhooksConfig } from '../config/webhooks.config.js';
import { reportsConfig, type ReportsConfig } from '../config/reports.config.js';
import { registerClientMetrics } from './metrics/client-metrics.js';
import { startAtZero } from './metrics/start-at-zero.js';
import { registerDeliveryMetrics } from './metrics/delivery-metrics.js';
import { registerProviderMetrics } from './metrics/provider-metrics.js';
import { registerRequestMetrics } from './metrics/request-metrics.js';
import { registerVerificationMetrics } from './metrics/verification-metrics.js';
import { registerWebhookMetrics } from './metrics/webhook-metrics.js';

const STORAGE_BUCKETS_S = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 2.5];

/**
 * Prometheus metrics of this process. Label values come from closed sets: route patterns, error
 * codes, countries, configured clients. Every update passes its labels to `inc`
 * or `observe`, because reusing the result of prom-client's `labels()` is no faster.
 */
@Injectable()
export class Metrics {
  readonly registry = new Registry();

  constructor(
    events: EventBus,
    directory: ClientDirectory,
    clientsFile: ClientsFileReader,
    @Inject(providersConfig.KEY) { names }: ProvidersConfig,
    @Inject(webhooksConfig.KEY) { receiver }: WebhooksConfig,
    @Inject(reportsConfig.KEY) reports: ReportsConfig,
  ) {
    const { registry } = this;
    collectDefaultMetrics({ register: registry });
    new Gauge({
      name: 'otp_build_info',
      help: 'Always 1. The labels are the release and the version of Node.',
      labelNames: ['version', 'node'],
      registers: [registry],
    }).set({ version: VERSION, node: process.version }, 1);
    registerRequestMetrics(registry, events);
    registerClientMetrics(
      registry,
      events,
      directory.clients.map(({ name }) => name),
    );
    if (clientsFile.isValid !== undefined) registerClientsFileMetrics(registry, clientsFile);
    registerVerificationMetrics(registry, events);
    registerProviderMetrics(registry, events, names);
    if (reports.isOn) {
      registerDeliveryMetrics(
        registry,
        events,
        names.filter((name) => reports[name]),
      );
    }
    registerStorageMetrics(registry, events);
    registerLogMetrics(registry, events);
    if (receiver) registerWebhookMetrics(registry, events);
  }

  /**
   * Adds a gauge whose value is read at each scrape.
   * @param labelNames empty for a gauge without labels
   * @param read returns the value of each combination of labels
   */
  addGauge<L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[],
    read: () => Promise<GaugeSample<L>[]> | GaugeSample<L>[],
  ): void {
    new Gauge({
      name,
      help,
      labelNames,
      registers: [this.registry],
      async collect() {
        const samples = await read();
        this.reset();
        for (const { labels, value } of samples) this.set(labels, value);
      },
    });
  }
}

/** The value of a gauge for one combination of labels. */
export interface GaugeSample<L extends string> {
  readonly labels: Readonly<Record<L, string>>;
  readonly value: number;
}

function registerStorageMetrics(registry: Registry, events: EventBus): void {
  const operations = new Histogram({
    name: 'otp_storage_operation_duration_seconds',
    help: 'Storage operations by outcome.',
    labelNames: ['operation', 'outcome'],
    buckets: STORAGE_BUCKETS_S,
    registers: [registry],
  });
  startAtZero(operations, { operation: STORAGE_OPERATIONS, outcome: ['ok', 'failed'] });
  events.subscribe('storage_operation_completed', ({ operation, error, durationMs }) => {
    const outcome = error === undefined ? 'ok' : 'failed';
    operations.observe({ operation, outcome }, durationMs / seconds(1));
  });
}

function registerClientsFileMetrics(registry: Registry, file: ClientsFileReader): void {
  new Gauge({
    name: 'otp_clients_file_valid',
    help: '1 if the present content of CLIENTS_FILE is valid, 0 if its last valid content is still in use.',
    registers: [registry],
    collect() {
      this.set(file.isValid === true ? 1 : 0);
    },
  });
}

function registerLogMetrics(registry: Registry, events: EventBus): void {
  const lostLines = new Counter({
    name: 'otp_log_lines_lost_total',
    help: 'Log lines lost because standard output could not be written.',
    registers: [registry],
  });
  events.subscribe('log_lines_lost', ({ lines }) => {
    lostLines.inc(lines);
  });
}
