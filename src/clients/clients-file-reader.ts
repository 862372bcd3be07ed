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
 * no half-written file is used. An invalid file changes nothing. Compares the content and not the
 * modification time, because Kubernetes updates a mounted secret by replacing a symbolic link.
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

  /** Whether the content that was handled last is valid; `undefined` without `CLIENTS_FILE`. */
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

  /** Reads the file. Applies a new content if the previous read found the same content. */
  async read(path = this.path): Promise<void> {
    if (path === undefined) return;
    const contentOrError = await readClientsFile(path).catch(
      (error: unknown) => error as ClientsFileError,
    );
    const content = typeof contentOrError === 'string' ? contentOrError : contentOrError.message;
    const isStable = content === this.lastContent;
    this.lastContent = content;
    if (!isStable || content === this.handledContent) return;
    this.handledContent = content;
    this.apply(contentOrError);
  }

  private scheduleRead(path: string): void {
    const timer = setTimeout(() => {
      void this.read(path).finally(() => {
        // Unless the module was destroyed during the read.
        if (this.timer === timer) this.scheduleRead(path);
      });
    }, READ_INTERVAL_MS).unref();
    this.timer = timer;
  }

  /** Replaces the clients and emits each change, or logs why the file is invalid. */
  private apply(contentOrError: string | ClientsFileError): void {
    try {
      if (typeof contentOrError !== 'string') throw contentOrError;
      const list = parseClientsFile(contentOrError, this.env);
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

  /**
   * Warns if `METRICS_CLIENT` is not in the file. This is no error, because an operator must be able to
   * remove this client if its key is stolen.
   */
  private warnAboutMetricsClient(): void {
    const { metricsClient } = httpConfig(this.env);
    const names = this.directory.clients.map(({ name }) => name);
    if (metricsClient === undefined || names.includes(metricsClient)) return;
    this.logger.warn('METRICS_CLIENT is no client in CLIENTS_FILE: no client can read /metrics.');
  }
}
