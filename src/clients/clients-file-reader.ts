import { Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { seconds } from '../common/durations.js';
import type { EventBus } from '../common/events.js';
import { authConfig } from '../config/auth.config.js';
import type { Environment } from '../config/define-config.js';
import { httpConfig } from '../config/http.config.js';
import type { ClientDirectory } from './client-directory.js';
import { ClientsFileError } from './clients-file.error.js';
import { describeChanges } from './describe-changes.js';
import { parseClientsFile } from './parse-clients-file.js';
import { readClientsFile } from './read-clients-file.js';

const READ_INTERVAL_MS = seconds(1);

/**
 * Reads `CLIENTS_FILE` every second. A change takes effect once two reads have the same content, so that
 * no half-written file is used. An invalid file changes nothing. Compares contents and not times,
 * because Kubernetes updates a mounted secret by changing a link.
 */
export class ClientsFileReader implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('ClientsFile');
  private readonly path: string | undefined;
  private timer: NodeJS.Timeout | undefined;
  /** What the last read found: the content, or the error message. */
  private lastContent: string | undefined;
  /** The content that was last applied, or rejected as invalid. */
  private handledContent: string | undefined;
  private isFileValid = true;

  constructor(
    private readonly env: Environment,
    private readonly directory: ClientDirectory,
    private readonly events: EventBus,
  ) {
    this.path = authConfig(env).clientsFile;
  }

  /** Whether the present file is valid; `undefined` without `CLIENTS_FILE`. */
  get isValid(): boolean | undefined {
    return this.path === undefined ? undefined : this.isFileValid;
  }

  onApplicationBootstrap(): void {
    if (this.path === undefined) return;
    this.warnAboutMetricsClient();
    this.scheduleRead(this.path);
  }

  onModuleDestroy(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  /** Reads the file. Applies a new content if the read before found the same. */
  async read(path = this.path): Promise<void> {
    if (path === undefined) return;
    const reading = await readClientsFile(path).catch(
      (error: unknown) => error as ClientsFileError,
    );
    const content = typeof reading === 'string' ? reading : reading.message;
    const isStable = content === this.lastContent;
    this.lastContent = content;
    if (!isStable || content === this.handledContent) return;
    this.handledContent = content;
    this.apply(reading);
  }

  private scheduleRead(path: string): void {
    const timer = setTimeout(() => {
      void this.read(path).finally(() => {
        if (this.timer === timer) this.scheduleRead(path);
      });
    }, READ_INTERVAL_MS).unref();
    this.timer = timer;
  }

  /** Replaces the clients, or logs why the file is invalid. */
  private apply(reading: string | ClientsFileError): void {
    try {
      if (typeof reading !== 'string') throw reading;
      const list = parseClientsFile(reading, this.env);
      const changes = describeChanges(this.directory.clients, list.clients);
      this.directory.replace(list);
      if (!this.isFileValid) this.logger.warn('The file CLIENTS_FILE can be used again.');
      this.isFileValid = true;
      for (const change of changes) this.events.emit({ type: 'client_rules_changed', ...change });
      if (changes.length > 0) this.warnAboutMetricsClient();
    } catch (error) {
      if (!(error instanceof ClientsFileError)) throw error;
      this.isFileValid = false;
      this.logger.error(`${error.message}\nThe clients and their rules stay as they are.`);
    }
  }

  /** Only a warning: it must be possible to remove this client too, if its key is stolen. */
  private warnAboutMetricsClient(): void {
    const { metricsClient } = httpConfig(this.env);
    const names = this.directory.clients.map(({ name }) => name);
    if (metricsClient === undefined || names.includes(metricsClient)) return;
    this.logger.warn('METRICS_CLIENT is no client in CLIENTS_FILE: no client can read /metrics.');
  }
}
