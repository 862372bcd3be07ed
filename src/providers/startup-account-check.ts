import {
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { AccountCheck } from './account-check.js';

/** Checks the account once at start-up and logs what is wrong. Nothing waits for the check. */
@Injectable()
export class StartupAccountCheck implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(StartupAccountCheck.name);
  private readonly shutdown = new AbortController();

  constructor(private readonly account: AccountCheck) {}

  onApplicationBootstrap(): void {
    void this.logFindings(this.shutdown.signal);
  }

  onModuleDestroy(): void {
    this.shutdown.abort();
  }

  private async logFindings(signal: AbortSignal): Promise<void> {
    try {
      const findings = await this.account.check(signal);
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
