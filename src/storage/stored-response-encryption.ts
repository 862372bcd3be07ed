import { Injectable } from '@nestjs/common';
import { DataProtection, type EncryptedValueContext } from './data-protection.js';
import type { IdempotentRequest } from './idempotency.types.js';
import type { IdempotencyKeyRow } from './migrations/schema.js';
import { HAS_SHAPE, type StoredOperation } from './stored-response.js';
import type { UnreadableDataError } from './unreadable-data.error.js';

/**
 * Encrypts stored responses. Each one is bound to the client, idempotency key, method, path and
 * body of its request. It is not bound to columns, which could be changed together with the
 * response.
 */
@Injectable()
export class StoredResponseEncryption {
  constructor(private readonly protection: DataProtection) {}

  encrypt(body: unknown, client: string, idempotency: IdempotentRequest): string {
    return this.protection.encrypt(body, getResponseContext(client, idempotency));
  }

  decrypt(
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
}

const getResponseContext = (
  client: string,
  { key, request }: IdempotentRequest,
): EncryptedValueContext => ({ purpose: 'response', client, record: [key, request] });
