import {
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { AccountCheck } from './account-check.js';

/**
 * Logs once, when the service is up, what is wrong with the vendor's account. The start does not
 * wait for it, and a shutdown gives it up.
 */
@Injectable()
export class StartupAccountCheck implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(StartupAccountCheck.name);
  private readonly shutdown = new AbortController();

  constructor(private readonly inspection: AccountCheck) {}

  onApplicationBootstrap(): void {
    void this.inspect();
  }

  onModuleDestroy(): void {
    this.shutdown.abort();
  }

  private async inspect(): Promise<void> {
    const { signal } = this.shutdown;
    try {
      const findings = await this.inspection.check(signal);
      if (signal.aborted) return;
      for (const { level, check, message, remedy = '' } of findings) {
        const line = `${check}: ${message} ${remedy}`.trim();
        if (level === 'error') this.logger.error(line);
        if (level === 'warning') this.logger.warn(line);
      }
    } catch (error) {
      this.logger.warn(error);
    }
  }
}
