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
import type { Executor, Packet } from './statement.js';

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
    private readonly database: Database,
    private readonly vault: Vault,
    config: AppConfig,
  ) {
    this.lostAfterMs = lostAfterMs(config);
    this.queries = prepareKeyQueries(database);
  }

  /** A run of a request, whose key is still to be claimed. */
  newRun({ key }: KeyedRequest): HeldKey {
    return { keyHash: this.hashOf(key), run: randomBytes(RUN_BYTES).toString('hex') };
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
    { keyHash, run }: HeldKey,
    { request }: KeyedRequest,
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
      run,
      forgottenBefore: now - KEPT_MS,
      lostBefore: repeatable ? now - this.lostAfterMs : 0,
    });
    return () => claimed.row !== undefined;
  }

  /** What is known of the request that has the key. */
  async repeated(
    executor: Executor,
    client: string,
    { keyHash }: HeldKey,
    { request }: KeyedRequest,
    now: number,
  ): Promise<Repeated> {
    const { row } = await executor.run((packet) => this.queries.read(packet, { client, keyHash }));
    return row ? this.describe(row, request, now) : { outcome: 'running' };
  }

  /** Keeps the answer of the run that holds the key. */
  answer(packet: Packet, { client }: Owner, { keyHash, run }: HeldKey, answer: unknown): void {
    this.queries.finish(packet, {
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
  answerTaken(
    packet: Packet,
    { client, pinId }: Owner,
    { keyHash, run }: HeldKey,
    answer: unknown,
    sealed: string,
  ): void {
    this.queries.finishTaken(packet, {
      client,
      keyHash,
      run,
      pinId,
      sealed,
      answer: this.seal(answer, keyHash),
    });
  }

  /** Keeps the answer of a right code, provided that its verification can still verify. */
  answerVerified(
    packet: Packet,
    { client, pinId }: Owner,
    { keyHash, run }: HeldKey,
    answer: unknown,
    now: number,
  ): void {
    this.queries.finishVerified(packet, {
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
  markAmbiguous(packet: Packet, { client }: Owner, { keyHash, run }: HeldKey): void {
    const state = 'ambiguous';
    this.queries.finish(packet, { client, keyHash, run, state, answer: '' });
  }

  /** Gives the key back: a repeat is to run. */
  release(packet: Packet, { client }: Owner, { keyHash, run }: HeldKey): void {
    this.queries.release(packet, { client, keyHash, run });
  }

  /** Gives the key back, provided that the verification of its run was not written. */
  releaseUnwritten(packet: Packet, { client, pinId }: Owner, { keyHash, run }: HeldKey): void {
    this.queries.releaseUnwritten(packet, { client, keyHash, run, pinId });
  }

  /** Gives the key back, provided that the code of its run was not counted. */
  releaseUncounted(
    packet: Packet,
    { client, pinId }: Owner,
    { keyHash, run }: HeldKey,
    entry: string,
  ): void {
    this.queries.releaseUncounted(packet, { client, keyHash, run, pinId, entry });
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

  /** Renames a row that was written under a secret on its way out, in a transaction of its own. */
  async renew(client: string, { key }: KeyedRequest): Promise<void> {
    if (!this.vault.rotating) return;
    const current = this.hashOf(key);
    await this.database.transaction(async (transaction) => {
      for (const older of this.vault.olderHashes('idempotency-key', key)) {
        const { row } = await transaction.run((packet) =>
          this.queries.read(packet, { client, keyHash: older }),
        );
        if (!row) continue;
        const answer =
          row.sealed_answer && this.vault.seal(this.vault.open(row.sealed_answer, older), current);
        await transaction.run((packet) =>
          this.queries.rename(packet, { client, older, current, answer }),
        );
      }
    });
  }

  private hashOf(key: string): string {
    return this.vault.hash('idempotency-key', key);
  }
}
