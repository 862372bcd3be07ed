import { Injectable, Logger } from '@nestjs/common';

/** One line when the service stops being ready and one when it is again, however often probes ask. */
@Injectable()
export class ReadinessLog {
  private readonly logger = new Logger('Readiness');
  private last = '';

  /** @param failing what cannot be reached right now; nothing where the service is ready. */
  note(failing: readonly string[]): void {
    const now = failing.join(', ');
    if (now === this.last) return;
    this.last = now;
    if (now === '') this.logger.warn('Ready again.');
    else this.logger.error(`Not ready: cannot reach ${now}.`);
  }
}
