import { Injectable } from '@nestjs/common';
import { hours } from '../../common/durations.js';
import { randomBytes } from '../../common/random.js';
import { AppConfig } from '../../config/app-config.js';
import { Vault } from '../vault.js';
import type { HeldKey, KeyedRequest, Repeated } from '../verification-store.js';
import { Database } from './database.js';
import { lostAfterMs } from '../deadline.js';
import { prepareKeyQueries } from './idempotency-key-queries.js';
import type { IdempotencyKeyRow } from './schema.js';
import type { Executor } from './statement.js';

/** How long a repeat is recognised. */
export const KEPT_MS = hours(24);

/** So many that no two are ever the same. */
const RUN_BYTES = 12;

/** Stands for the key of a request that came without one. */
export const NO_KEY: HeldKey = { keyHash: '', run: '' };

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
    private readonly vault: Vault,
    config: AppConfig,
  ) {
    this.lostAfterMs = lostAfterMs(config);
    this.queries = prepareKeyQueries(database);
  }

  /** A run of a request, whose key is still to be claimed. */
  async newRun(executor: Executor, client: string, { key }: KeyedRequest): Promise<HeldKey> {
    const keyHash = await this.currentHash(executor, client, key);
    return { keyHash, run: randomBytes(RUN_BYTES).toString('hex') };
  }

  /**
   * Takes the key for a run of its request, for the rest of the transaction and beyond.
   * @param repeatable whether a run that was lost in a crash may be run again: true where no text
   * can have left by it.
   * @returns whether this is the first; {@link repeated} tells of the earlier one.
   */
  async claim(
    executor: Executor,
    { client, pinId }: Owner,
    { keyHash, run }: HeldKey,
    { request }: KeyedRequest,
    now: number,
    repeatable: boolean,
  ): Promise<boolean> {
    const claimed = await this.queries.claim(executor, {
      client,
      key_hash: keyHash,
      request_hash: this.vault.hash('request', request),
      pin_id: pinId,
      state: 'running',
      sealed_answer: '',
      created_at: now,
      run,
      forgottenBefore: now - KEPT_MS,
      lostBefore: repeatable ? now - this.lostAfterMs : 0,
    });
    return claimed.length > 0;
  }

  /** What is known of the request that has the key. */
  async repeated(
    executor: Executor,
    client: string,
    { keyHash }: HeldKey,
    { request }: KeyedRequest,
    now: number,
  ): Promise<Repeated> {
    const [row] = await this.queries.read(executor, { client, keyHash });
    return row ? this.describe(row, request, now) : { outcome: 'running' };
  }

  /** Keeps the answer of the run that holds the key. */
  async answer(
    executor: Executor,
    { client }: Owner,
    { keyHash, run }: HeldKey,
    answer: unknown,
  ): Promise<void> {
    await this.queries.finish(executor, {
      client,
      keyHash,
      run,
      state: 'answered',
      answer: this.seal(answer, keyHash),
    });
  }

  /**
   * Keeps the answer of a text that was taken, if its verification has taken its handle; if not, the
   * text is out, but nothing can be verified with it.
   * @param sealed the handle, as it is stored
   */
  async answerTaken(
    executor: Executor,
    { client, pinId }: Owner,
    { keyHash, run }: HeldKey,
    answer: unknown,
    sealed: string,
  ): Promise<void> {
    await this.queries.finishTaken(executor, {
      client,
      keyHash,
      run,
      pinId,
      sealed,
      answer: this.seal(answer, keyHash),
    });
  }

  /** Keeps the answer of a right code, provided that its verification can still verify. */
  async answerVerified(
    executor: Executor,
    { client, pinId }: Owner,
    { keyHash, run }: HeldKey,
    answer: unknown,
    now: number,
  ): Promise<void> {
    await this.queries.finishVerified(executor, {
      client,
      keyHash,
      run,
      pinId,
      now,
      state: 'answered',
      answer: this.seal(answer, keyHash),
    });
  }

  /** From now on a repeat hears that nobody knows whether a text left. */
  async markAmbiguous(
    executor: Executor,
    { client }: Owner,
    { keyHash, run }: HeldKey,
  ): Promise<void> {
    const state = 'ambiguous';
    await this.queries.finish(executor, { client, keyHash, run, state, answer: '' });
  }

  /** Gives the key back: a repeat is to run. */
  async release(executor: Executor, { client }: Owner, { keyHash, run }: HeldKey): Promise<void> {
    await this.queries.release(executor, { client, keyHash, run });
  }

  /** Gives the key back, provided that the verification of its run was not written. */
  async releaseUnwritten(
    executor: Executor,
    { client, pinId }: Owner,
    { keyHash, run }: HeldKey,
  ): Promise<void> {
    await this.queries.releaseUnwritten(executor, { client, keyHash, run, pinId });
  }

  /** Gives the key back, provided that the code of its run was not counted. */
  async releaseUncounted(
    executor: Executor,
    { client, pinId }: Owner,
    { keyHash, run }: HeldKey,
    entry: string,
  ): Promise<void> {
    await this.queries.releaseUncounted(executor, { client, keyHash, run, pinId, entry });
  }

  /** An answer as it is stored with its key. */
  private seal(answer: unknown, keyHash: string): string {
    return this.vault.seal(JSON.stringify(answer), keyHash);
  }

  private describe(row: Omit<IdempotencyKeyRow, 'run'>, request: string, now: number): Repeated {
    const hashes = [
      this.vault.hash('request', request),
      ...this.vault.olderHashes('request', request),
    ];
    if (!hashes.includes(row.request_hash)) return { outcome: 'key_reused' };
    switch (row.state) {
      case 'answered':
        return {
          outcome: 'replayed',
          answer: JSON.parse(this.vault.open(row.sealed_answer, row.key_hash)),
        };
      case 'ambiguous':
        return { outcome: 'ambiguous' };
      case 'running':
        // Whoever ran it is gone, and may have had a text sent.
        return { outcome: row.created_at <= now - this.lostAfterMs ? 'ambiguous' : 'running' };
    }
  }

  /** The key's hash. A row that was written under a secret on its way out is renamed to it. */
  private async currentHash(executor: Executor, client: string, key: string): Promise<string> {
    const current = this.vault.hash('idempotency-key', key);
    for (const older of this.vault.olderHashes('idempotency-key', key)) {
      const [row] = await this.queries.read(executor, { client, keyHash: older });
      if (!row) continue;
      const answer =
        row.sealed_answer && this.vault.seal(this.vault.open(row.sealed_answer, older), current);
      await this.queries.rename(executor, { client, older, current, answer });
    }
    return current;
  }
}
