import { Injectable } from '@nestjs/common';
import { hours } from '../../common/durations.js';
import { AppConfig } from '../../config/app-config.js';
import { Vault } from '../vault.js';
import type { KeyedRequest, Repeated } from '../verification-store.js';
import { Database } from './database.js';
import { lostAfterMs } from '../deadline.js';
import { prepareKeyQueries } from './idempotency-key-queries.js';
import type { IdempotencyKeyRow } from './schema.js';
import type { Executor } from './statement.js';

/** How long a repeat is recognised. */
export const KEPT_MS = hours(24);

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

  /**
   * Takes the key for this request, for the rest of the transaction and beyond.
   * @param repeatable whether a run that was lost in a crash may be run again: true where no text
   * can have left by it.
   * @returns what is known of an earlier request, or `undefined` if this is the first.
   */
  async claim(
    executor: Executor,
    { client, pinId }: Owner,
    { key, request }: KeyedRequest,
    now: number,
    repeatable: boolean,
  ): Promise<Repeated | undefined> {
    const keyHash = await this.currentHash(executor, client, key);
    const claimed = await this.queries.claim(executor, {
      client,
      key_hash: keyHash,
      request_hash: this.vault.hash('request', request),
      pin_id: pinId,
      state: 'running',
      sealed_answer: '',
      created_at: now,
      forgottenBefore: now - KEPT_MS,
      lostBefore: repeatable ? now - this.lostAfterMs : 0,
    });
    if (claimed.length > 0) return undefined;
    const [row] = await this.queries.read(executor, { client, keyHash });
    return row ? this.describe(row, request, now) : { outcome: 'running' };
  }

  /** Keeps the answer of the request that holds the key. */
  async answer(
    executor: Executor,
    owner: Owner,
    { key }: KeyedRequest,
    answer: unknown,
  ): Promise<void> {
    await this.queries.finish(executor, {
      client: owner.client,
      pinId: owner.pinId,
      state: 'answered',
      ...this.sealed(key, answer),
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
    { key }: KeyedRequest,
    answer: unknown,
    sealed: string,
  ): Promise<void> {
    await this.queries.finishTaken(executor, {
      client,
      pinId,
      sealed,
      ...this.sealed(key, answer),
    });
  }

  /** Keeps the answer of a right code, provided that its verification can still verify. */
  async answerVerified(
    executor: Executor,
    { client, pinId }: Owner,
    { key }: KeyedRequest,
    answer: unknown,
    now: number,
  ): Promise<void> {
    await this.queries.finishVerified(executor, {
      client,
      pinId,
      now,
      state: 'answered',
      ...this.sealed(key, answer),
    });
  }

  /** From now on a repeat hears that nobody knows whether a text left. */
  async markAmbiguous(executor: Executor, owner: Owner, { key }: KeyedRequest): Promise<void> {
    await this.queries.finish(executor, {
      client: owner.client,
      keyHash: this.vault.hash('idempotency-key', key),
      pinId: owner.pinId,
      state: 'ambiguous',
      answer: '',
    });
  }

  /** Gives the key back: a repeat is to run. */
  async release(executor: Executor, { client }: Owner, { key }: KeyedRequest): Promise<void> {
    await this.queries.release(executor, {
      client,
      keyHash: this.vault.hash('idempotency-key', key),
    });
  }

  /** An answer as it is stored with its key. */
  private sealed(key: string, answer: unknown): { keyHash: string; answer: string } {
    const keyHash = this.vault.hash('idempotency-key', key);
    return { keyHash, answer: this.vault.seal(JSON.stringify(answer), keyHash) };
  }

  private describe(row: IdempotencyKeyRow, request: string, now: number): Repeated {
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
