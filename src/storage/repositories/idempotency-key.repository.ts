import { Inject, Injectable } from '@nestjs/common';
import { hours } from '../../common/durations.js';
import { getRandomBytes } from '../../common/random.js';
import { providersConfig, type ProvidersConfig } from '../../config/providers.config.js';
import { DataProtection, type EncryptedValueContext } from '../data-protection.js';
import { Database } from '../engines/database.js';
import type { Executor, StatementBatch } from '../engines/statement-batch.js';
import type {
  ClaimedIdempotentRequest,
  IdempotencyClaim,
  EarlierRequestState,
  IdempotentRequest,
  LostRequestRun,
} from '../idempotency.types.js';
import type { IdempotencyKeyRow } from '../migrations/schema.js';
import { HAS_SHAPE, type StoredOperation } from '../stored-response.js';
import { UnreadableDataError } from '../unreadable-data.error.js';
import { prepareKeyQueries } from './idempotency-key-queries.js';

/** How long a repeated request gets the stored response. */
export const IDEMPOTENCY_TTL_MS = hours(24);

/** Random bytes, enough for all run ids to differ. */
const RUN_ID_BYTES = 12;

/** The claim of a request without an `Idempotency-Key`. */
export const NO_CLAIM: IdempotencyClaim = { keyHash: '', runId: '' };

/** The verification that a request creates or changes. */
interface IdempotencyKeyTarget {
  readonly client: string;
  readonly pinId: string;
}

/** Idempotency keys and the responses to their requests. */
@Injectable()
export class IdempotencyKeyRepository {
  readonly queries;

  constructor(
    private readonly database: Database,
    private readonly protection: DataProtection,
    @Inject(providersConfig.KEY) private readonly config: ProvidersConfig,
  ) {
    this.queries = prepareKeyQueries(database);
  }

  /** Creates the claim of a new run of a request, for {@link claim}. */
  createClaim(idempotency: IdempotentRequest): ClaimedIdempotentRequest {
    const runId = getRandomBytes(RUN_ID_BYTES).toString('hex');
    return { keyHash: this.hashKey(idempotency.key), runId, idempotency };
  }

  /**
   * Claims the key for the first run of its request.
   * @returns a getter of whether it was claimed; if not, {@link findEarlierRequest} finds the earlier run
   */
  claim(
    batch: StatementBatch,
    { client, pinId }: IdempotencyKeyTarget,
    { keyHash, runId }: IdempotencyClaim,
    { request }: IdempotentRequest,
    now: number,
  ): () => boolean {
    const claimed = this.queries.claim(batch, {
      client,
      keyHash,
      requestHash: this.protection.hash('request', request),
      pinId,
      now,
      runId,
      expiredBefore: now - IDEMPOTENCY_TTL_MS,
    });
    return () => claimed.row !== undefined;
  }

  /** Claims the key for a new run, after a run with unknown result. @returns as {@link claim} */
  takeOver(
    batch: StatementBatch,
    client: string,
    { keyHash, runId }: IdempotencyClaim,
    lost: LostRequestRun,
    now: number,
  ): () => boolean {
    const lostRunId = lost.runId;
    const claimed = this.queries.takeOver(batch, { client, keyHash, lostRunId, runId, now });
    return () => claimed.row !== undefined;
  }

  /** Finds what became of the request with this key; `running` if the key was just released. */
  async findEarlierRequest(
    executor: Executor,
    client: string,
    idempotency: IdempotentRequest,
    now: number,
    operation: StoredOperation,
  ): Promise<EarlierRequestState> {
    const keyHash = this.hashKey(idempotency.key);
    const { row } = await executor.run((batch) => this.queries.read(batch, { client, keyHash }));
    return row ? this.toState(row, client, idempotency, now, operation) : { outcome: 'running' };
  }

  /** Finds the result that this run of a verify has stored, if any. */
  async findOwnResult(
    executor: Executor,
    client: string,
    { keyHash, runId, idempotency }: ClaimedIdempotentRequest,
  ): Promise<unknown> {
    const { row } = await executor.run((batch) => this.queries.read(batch, { client, keyHash }));
    if (row?.state !== 'answered' || row.run !== runId) return undefined;
    const result = this.decryptResponse(row, client, idempotency, 'verify');
    return result instanceof UnreadableDataError ? undefined : result;
  }

  /** Encrypts the response of a run, for the statement that stores it. */
  encryptResponse(
    { client, pinId }: IdempotencyKeyTarget,
    { idempotency, runId }: ClaimedIdempotentRequest,
    body: unknown,
  ) {
    const response = this.protection.encrypt(body, getResponseContext(client, idempotency));
    return { pinId, runId, response };
  }

  /** Replaces hashes that were made under old secrets. */
  async rehash(client: string, idempotency: IdempotentRequest): Promise<void> {
    if (!this.protection.hasOldSecrets) return;
    const { key, request } = idempotency;
    const oldRequests = this.protection.getPreviousHashes('request', request);
    await this.database.run((batch) => {
      this.protection.getPreviousHashes('idempotency-key', key).forEach((oldKey, index) => {
        this.queries.rehash(batch, {
          client,
          oldKey,
          newKey: this.hashKey(key),
          oldRequest: oldRequests[index] ?? '',
          newRequest: this.protection.hash('request', request),
        });
      });
    });
  }

  private toState(
    row: Omit<IdempotencyKeyRow, 'client' | 'key_hash'>,
    client: string,
    idempotency: IdempotentRequest,
    now: number,
    operation: StoredOperation,
  ): EarlierRequestState {
    const hashes = this.protection.getAllHashes('request', idempotency.request);
    if (row.state === 'erased' || !hashes.includes(row.request_hash)) {
      return { outcome: 'key_reused' };
    }
    if (row.state === 'answered') {
      const response = this.decryptResponse(row, client, idempotency, operation);
      return response instanceof UnreadableDataError ? response : { outcome: 'replayed', response };
    }
    const isRunning = row.state === 'running' && row.created_at > now - this.config.maxRequestMs;
    if (isRunning) return { outcome: 'running' };
    // After a crash, the run may have sent a message or checked a code.
    return { outcome: 'ambiguous', pinId: row.pin_id, runId: row.run };
  }

  private decryptResponse(
    { sealed_answer, run }: Pick<IdempotencyKeyRow, 'sealed_answer' | 'run'>,
    client: string,
    idempotency: IdempotentRequest,
    operation: StoredOperation,
  ): object | UnreadableDataError {
    // A response without a format may be bound to the hash of its key.
    const keyHashes = this.protection.getAllHashes('idempotency-key', idempotency.key);
    const context = getResponseContext(client, idempotency);
    const hasShape = HAS_SHAPE[operation];
    return this.protection.decrypt(sealed_answer, context, hasShape, [run, ...keyHashes]);
  }

  private hashKey(key: string): string {
    return this.protection.hash('idempotency-key', key);
  }
}

/**
 * Binds a stored response to the client, idempotency key, method, path and body of its request. It
 * is not bound to columns, which could be changed together with the response.
 */
const getResponseContext = (
  client: string,
  { key, request }: IdempotentRequest,
): EncryptedValueContext => ({ purpose: 'response', client, record: [key, request] });
