import { Logger } from '@nestjs/common';
import { ReplyError } from 'ioredis';
import { getErrorMessage } from '../common/error-message.js';

/** Error codes of a cluster's node that does not serve the key, or no key at all. */
const CLUSTER_CODES = ['MOVED', 'ASK', 'CLUSTERDOWN', 'CROSSSLOT'];

/**
 * An outage of Redis: it begins with an error, and ends with the next command that succeeds. A
 * connection does not end it, because the server may still reject the user, or every write.
 */
export class RedisOutage {
  private readonly logger = new Logger('Redis');
  /** The error codes that were logged; `''` stands for an error without a reply of Redis. */
  private readonly loggedCodes = new Set<string>();
  private attempts = 0;

  /** @param password never logged; Redis quotes a command that it rejects */
  constructor(private readonly password: string) {}

  /** Counts an attempt to reconnect. @returns the attempts in this outage, this one included */
  countAttempt(): number {
    this.attempts += 1;
    return this.attempts;
  }

  /** Logs the first error of an outage, and the first of each code that Redis replies with. */
  report(error: NodeJS.ErrnoException): void {
    const message = getErrorMessage(error);
    // A reply of Redis begins with its code.
    const code = error instanceof ReplyError ? (message.split(' ', 1)[0] ?? '') : '';
    if (this.loggedCodes.has(code) || (code === '' && this.loggedCodes.size > 0)) return;
    this.loggedCodes.add(code);
    const hint = CLUSTER_CODES.includes(code) ? '. Redis Cluster is not supported' : '';
    const safeMessage = this.password ? message.replaceAll(this.password, '•••') : message;
    this.logger.error(`Redis is not available: ${safeMessage}${hint}`);
  }

  /** Ends the outage, if there is one. */
  end(): void {
    if (this.loggedCodes.size > 0) this.logger.warn('Redis is available again.');
    this.loggedCodes.clear();
    this.attempts = 0;
  }
}
