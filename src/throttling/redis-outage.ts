import { Logger } from '@nestjs/common';
import { ReplyError } from 'ioredis';

/** Error codes of a node of a cluster that does not serve a key, or serves none. */
const CLUSTER_CODES = ['MOVED', 'ASK', 'CLUSTERDOWN', 'CROSSSLOT'];

/**
 * The time between two commands that succeed, if something failed in between. Only a command ends
 * it: a server that accepts the connection may still reject the user, or every write.
 */
export class RedisOutage {
  private readonly logger = new Logger('Redis');
  private readonly reasons = new Set<string>();
  private attempts = 0;

  /** @param password never logged; Redis quotes a command that it rejects */
  constructor(private readonly password: string) {}

  /** @returns the number of attempts to reconnect so far, this one included */
  countAttempt(): number {
    this.attempts += 1;
    return this.attempts;
  }

  /** Logs the first error of an outage, and the first of each code that Redis replies with. */
  report(error: NodeJS.ErrnoException): void {
    // Node gives no message where connecting to several addresses of a host failed.
    const message = error.message || (error.code ?? 'unknown error');
    // A reply of Redis begins with its code.
    const code = error instanceof ReplyError ? (message.split(' ', 1)[0] ?? '') : '';
    if (this.reasons.has(code) || (code === '' && this.reasons.size > 0)) return;
    this.reasons.add(code);
    const hint = CLUSTER_CODES.includes(code) ? '. Redis Cluster is not supported' : '';
    const safeMessage = this.password ? message.replaceAll(this.password, '•••') : message;
    this.logger.error(`Redis is not available: ${safeMessage}${hint}`);
  }

  /** Ends the outage, if there is one. */
  end(): void {
    if (this.reasons.size > 0) this.logger.warn('Redis is available again.');
    this.reasons.clear();
    this.attempts = 0;
  }
}
