import { Inject, Injectable } from '@nestjs/common';
import { hours } from '../../common/durations.js';
import { pooledRandomBytes } from '../../common/random.js';
import { providersConfig, type ProvidersConfig } from '../../config/providers.config.js';
import { DataProtection } from '../data-protection.js';
import type {
  IdempotencyClaim,
  IdempotentRequest,
  IdempotentReplay,
} from '../verification-store.js';
import { Database } from './database.js';
import { abandonedAfterMs } from '../deadline.js';
import { prepareKeyQueries } from './idempotency-key-queries.js';
import type { IdempotencyKeyRow } from './schema.js';
import type { Executor, Packet } from './statement.js';

/** How long a repeat is recognised. */
export const IDEMPOTENCY_TTL_MS = hours(24);

/** So many that no two are ever the same. */
const RUN_BYTES = 12;

/** Stands for the key of a request that came without one. */
export const NO_KEY: IdempotencyClaim = { keyHash: '', runId: '' };

interface Owner {
  readonly client: string;
  readonly pinId: string;
}

/** Which requests came before, and what they were answered. */
@Injectable()
export class IdempotencyKeys {
  private readonly lostAfterMs: number;
  private readonly queries;

  constructor(
    database: Database,
    private readonly vault: DataProtection,
    @Inject(providersConfig.KEY) config: ProvidersConfig,
  ) {
    this.lostAfterMs = abandonedAfterMs(config);
    this.queries = prepareKeyQueries(database);
  }

  /** A run of a request, whose key is still to be claimed. */
  newRun({ key }: IdempotentRequest): IdempotencyClaim {
    return { keyHash: this.hashOf(key), runId: pooledRandomBytes(RUN_BYTES).toString('hex') };
  }

  /**
   * Takes the key for a run of its request, for the rest of the transaction and beyond.
   * @param repeatable whether a run that was lost in a crash may be run again: true where no text
   * can have left by it.
   * @returns tells whether this is the first; {@link repeated} tells of the earlier one.
   */
  claim(
    packet: Packet,
    { client, pinId }: Owner,
    { keyHash, runId }: IdempotencyClaim,
    { request }: IdempotentRequest,
    now: number,
    repeatable: boolean,
  ): () => boolean {
    const claimed = this.queries.claim(packet, {
      client,
      key_hash: keyHash,
      request_hash: this.vault.hash('request', request),
      pin_id: pinId,
      state: 'running',
      sealed_answer: '',
      created_at: now,
      run: runId,
      forgottenBefore: now - IDEMPOTENCY_TTL_MS,
      lostBefore: repeatable ? now - this.lostAfterMs : 0,
    });
    return () => claimed.row !== undefined;
  }

  /** What is known of the request that has the key. */
  async repeated(
    executor: Executor,
    client: string,
    { keyHash }: IdempotencyClaim,
    { request }: IdempotentRequest,
    now: number,
  ): Promise<IdempotentReplay> {
    const { row } = await executor.run((packet) => this.queries.read(packet, { client, keyHash }));
    return row ? this.describe(row, request, now) : { outcome: 'running' };
  }

  /** Keeps the answer of the run that holds the key. */
  answer(packet: Packet, { pinId }: Owner, { runId }: IdempotencyClaim, answer: unknown): void {
    this.queries.finish(packet, {
      pinId,
      run: runId,
      state: 'answered',
      answer: this.seal(answer, runId),
    });
  }

  /**
   * Keeps the answer of a text that was taken, if its verification has taken its handle; if not, the
   * text is out, but nothing can be verified with it.
   * @param sealed the handle, as it is stored
   */
  answerTaken(
    packet: Packet,
    { pinId }: Owner,
    { runId }: IdempotencyClaim,
    answer: unknown,
    sealed: string,
  ): void {
    this.queries.finishTaken(packet, {
      pinId,
      run: runId,
      sealed,
      answer: this.seal(answer, runId),
    });
  }

  /** Keeps the answer of a right code, provided that its verification can still verify. */
  answerVerified(
    packet: Packet,
    { pinId }: Owner,
    { runId }: IdempotencyClaim,
    answer: unknown,
    now: number,
  ): void {
    const sealed = this.seal(answer, runId);
    this.queries.finishVerified(packet, {
      pinId,
      run: runId,
      now,
      state: 'answered',
      answer: sealed,
    });
  }

  /** From now on a repeat hears that nobody knows whether a text left. */
  markAmbiguous(packet: Packet, { pinId }: Owner, { runId }: IdempotencyClaim): void {
    this.queries.finish(packet, { pinId, run: runId, state: 'ambiguous', answer: '' });
  }

  /** Gives the key back: a repeat is to run. */
  release(packet: Packet, { pinId }: Owner, { runId }: IdempotencyClaim): void {
    this.queries.release(packet, { pinId, run: runId });
  }

  /** Gives the key back, provided that the verification of its run was not written. */
  releaseUnwritten(packet: Packet, { pinId }: Owner, { runId }: IdempotencyClaim): void {
    this.queries.releaseUnwritten(packet, { pinId, run: runId });
  }

  /** Gives the key back, provided that the code of its run was not counted. */
  releaseUncounted(
    packet: Packet,
    { pinId }: Owner,
    { runId }: IdempotencyClaim,
    entry: string,
  ): void {
    this.queries.releaseUncounted(packet, { pinId, run: runId, entry });
  }

  /** Renames what was written about a request under a secret on its way out. */
  async renew(
    executor: Executor,
    client: string,
    { key, request }: IdempotentRequest,
  ): Promise<void> {
    if (!this.vault.hasOldSecrets) return;
    const olderRequests = this.vault.previousHashes('request', request);
    await executor.run((packet) => {
      this.vault.previousHashes('idempotency-key', key).forEach((older, place) => {
        this.queries.rename(packet, {
          client,
          older,
          current: this.hashOf(key),
          olderRequest: olderRequests[place] ?? '',
          currentRequest: this.vault.hash('request', request),
        });
      });
    });
  }

  /** An answer as it is stored: under the run that it is the answer of. */
  private seal(answer: unknown, run: string): string {
    return this.vault.encrypt(JSON.stringify(answer), run);
  }

  private describe(row: IdempotencyKeyRow, request: string, now: number): IdempotentReplay {
    const hashes = [
      this.vault.hash('request', request),
      ...this.vault.previousHashes('request', request),
    ];
    if (!hashes.includes(row.request_hash)) return { outcome: 'key_reused' };
    switch (row.state) {
      case 'answered':
        return {
          outcome: 'replayed',
          answer: JSON.parse(this.vault.decrypt(row.sealed_answer, row.run)),
        };
      case 'ambiguous':
        return { outcome: 'ambiguous' };
      case 'running':
        // Whoever ran it is gone, and may have had a text sent.
        return { outcome: row.created_at <= now - this.lostAfterMs ? 'ambiguous' : 'running' };
    }
  }

  private hashOf(key: string): string {
    return this.vault.hash('idempotency-key', key);
  }
}
