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

/** Contents are compared instead of times: a mounted secret changes by a link to another folder. */
const READ_INTERVAL_MS = seconds(1);

/**
 * Reads `CLIENTS_FILE` every second. A changed file takes effect once it was read twice with the same
 * content, so that a half-written one is never used. An invalid one changes nothing.
 */
export class ClientsFileReader implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('ClientsFile');
  private readonly path: string | undefined;
  private timer: NodeJS.Timeout | undefined;
  /** The last content, or the error, of the last reading and of the one in use. */
  private last: string | undefined;
  private used: string | undefined;
  private isUsable = true;

  constructor(
    private readonly env: Environment,
    private readonly directory: ClientDirectory,
    private readonly events: EventBus,
  ) {
    this.path = authConfig(env).clientsFile;
  }

  /** Whether the file can be used as it is now; `undefined` without `CLIENTS_FILE`. */
  get isValid(): boolean | undefined {
    return this.path === undefined ? undefined : this.isUsable;
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

  /** Reads the file, and uses a content that the last reading gave, too. */
  async read(path = this.path): Promise<void> {
    if (path === undefined) return;
    const reading = await readClientsFile(path).catch(
      (error: unknown) => error as ClientsFileError,
    );
    const content = typeof reading === 'string' ? reading : reading.message;
    const isStable = content === this.last;
    this.last = content;
    if (!isStable || content === this.used) return;
    this.used = content;
    this.use(reading);
  }

  private scheduleRead(path: string): void {
    const timer = setTimeout(() => {
      void this.read(path).finally(() => {
        if (this.timer === timer) this.scheduleRead(path);
      });
    }, READ_INTERVAL_MS).unref();
    this.timer = timer;
  }

  private use(reading: string | ClientsFileError): void {
    try {
      if (typeof reading !== 'string') throw reading;
      const list = parseClientsFile(reading, this.env);
      const changes = describeChanges(this.directory.clients, list.clients);
      this.directory.replace(list);
      if (!this.isUsable) this.logger.warn('The file CLIENTS_FILE can be used again.');
      this.isUsable = true;
      for (const change of changes) this.events.emit({ type: 'client_rules_changed', ...change });
      if (changes.length > 0) this.warnAboutMetricsClient();
    } catch (error) {
      if (!(error instanceof ClientsFileError)) throw error;
      this.isUsable = false;
      this.logger.error(`${error.message}\nThe clients and their rules stay as they are.`);
    }
  }

  /** Not an error: a stolen key of this client must be removable, too. */
  private warnAboutMetricsClient(): void {
    const { metricsClient } = httpConfig(this.env);
    const names = this.directory.clients.map(({ name }) => name);
    if (metricsClient === undefined || names.includes(metricsClient)) return;
    this.logger.warn('METRICS_CLIENT is no client in CLIENTS_FILE: no client can read /metrics.');
  }
}
