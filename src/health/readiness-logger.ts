import { Injectable, Logger } from '@nestjs/common';

/** Logs changes of readiness: one line when it is lost and one when it is back, however many probes. */
@Injectable()
export class ReadinessLogger {
  private readonly logger = new Logger('Readiness');
  private last = '';

  /** @param failed names of the dependencies that cannot be reached; empty if the service is ready. */
  update(failed: readonly string[]): void {
    const now = failed.join(', ');
    if (now === this.last) return;
    this.last = now;
    if (now === '') this.logger.warn('Ready again.');
    else this.logger.error(`Not ready: cannot reach ${now}.`);
  }
}
