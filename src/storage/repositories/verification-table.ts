import { Injectable } from '@nestjs/common';
import { PhoneNumber } from '../../common/phone-number.js';
import { DataProtection } from '../data-protection.js';
import { UnreadableDataError } from '../unreadable-data.error.js';
import type { NewVerification, SendReservation } from '../send.types.js';
import type { VerificationSelector } from '../verification.types.js';
import { Database } from '../engines/database.js';
import type { VerificationRow } from '../migrations/schema.js';
import { getFieldsContext, isEncryptedFields, toEncryptedFields } from './encrypted-fields.js';
import { FormerNumbers } from './former-numbers.js';
import { INITIAL_VALUES } from './send-queries.js';
import { prepareVerificationQueries, type VerificationQueries } from './verification-queries.js';
import { WebhookEventRecorder } from './webhook-event-recorder.js';
import type { Executor, StatementBatch } from '../engines/statement-batch.js';

/** What a verification is decrypted from. */
type EncryptedVerificationRow = Pick<
  VerificationRow,
  'pin_id' | 'client' | 'number_hash' | 'sealed'
>;

interface DecryptedFields {
  readonly phoneNumber: PhoneNumber;
  /** Under the current secret; the row may have another one. */
  readonly numberHash: string;
  readonly providerPinId: string;
  readonly eventReference: string | undefined;
  /** When the resend of the code was requested; `undefined` if it was not resent. */
  readonly requestedAt: number | undefined;
}

/** The rows of verifications, with their hashes and encryption; shared by the repositories. */
@Injectable()
export class VerificationTable {
  readonly queries: VerificationQueries;
  private readonly formerNumbers: FormerNumbers;

  constructor(
    private readonly database: Database,
    private readonly protection: DataProtection,
    private readonly webhooks: WebhookEventRecorder,
  ) {
    this.queries = prepareVerificationQueries(database);
    this.formerNumbers = new FormerNumbers(database, protection, this.queries, webhooks);
  }

  /** The row of a new send. */
  toNewRow(verification: NewVerification): VerificationRow {
    const { client, phoneNumber, destination, endUserAddress } = verification;
    return {
      pin_id: verification.pinId,
      client,
      number_hash: this.hashNumber(phoneNumber),
      channel: verification.channel,
      reference_hash: this.hashReference(verification.reference)[0],
      max_attempts: verification.maxAttempts,
      created_at: verification.createdAt,
      expires_at: verification.expiresAt,
      country: destination.country,
      // These are not rehashed: after a change of secrets their counts begin at zero.
      prefix_hash: destination.isTrusted
        ? ''
        : this.protection.hash('number-prefix', destination.prefix),
      end_user_hash:
        endUserAddress === undefined
          ? ''
          : this.protection.hash('end-user', `${client}\n${endUserAddress}`),
      // Counted sends of the code.
      texts: verification.hasSendLimits ? 1 : 0,
      locale: verification.locale,
      ...INITIAL_VALUES,
    };
  }

  /** @returns a getter of the row; `undefined` until a provider has accepted the send */
  readSent(batch: StatementBatch, pinId: string, client: string) {
    const result = this.queries.read(batch, { pinId, client });
    return () => (result.row && result.row.sealed !== '' ? result.row : undefined);
  }

  /** Whether an earlier run of this write was committed, and marked the verification as verified. */
  async wasVerifiedBy(
    executor: Executor,
    { pinId, numberEntry }: { pinId: string; numberEntry: string },
    now: number,
  ): Promise<boolean> {
    const verified = await executor.run((batch) =>
      this.queries.readVerified(batch, { pinId, numberEntry, now }),
    );
    return verified.row !== undefined;
  }

  /** The `pinId` of the selected verification; empty if there is none. */
  async findPinId(selector: VerificationSelector, client: string): Promise<string> {
    if ('pinId' in selector) return selector.pinId;
    const { phoneNumber } = selector;
    await this.rehashNumber(this.database, phoneNumber, client);
    const numberHash = this.hashNumber(phoneNumber);
    const { row } = await this.database.run((batch) =>
      this.queries.readNewest(batch, { client, numberHash }),
    );
    return row?.pin_id ?? '';
  }

  /** The hash under the current secret, then those under old ones. */
  hashReference(reference: string | undefined): [string, ...string[]] {
    if (reference === undefined) return [''];
    // Send rejects such a reference: its unpaired surrogates would have the hash of U+FFFD.
    if (!reference.isWellFormed()) return ['not well-formed'];
    return this.protection.getAllHashes('reference', reference);
  }

  /** The hash of a number under the current secret. */
  hashNumber({ identity }: PhoneNumber): string {
    return this.protection.hash('phone-number', identity);
  }

  /** Replaces hashes of a number that were made under old secrets, or by earlier builds. */
  async rehashNumber(executor: Executor, phoneNumber: PhoneNumber, client: string): Promise<void> {
    if (this.protection.hasOldSecrets) await this.replaceSecret(executor, phoneNumber, client);
    await this.formerNumbers.merge(executor, phoneNumber, client);
  }

  private async replaceSecret(
    executor: Executor,
    phoneNumber: PhoneNumber,
    client: string,
  ): Promise<void> {
    const newHash = this.hashNumber(phoneNumber);
    const oldHashes = this.protection.getPreviousHashes('phone-number', phoneNumber.identity);
    await executor.run((batch) => {
      for (const oldHash of oldHashes) {
        this.queries.rehashNumber(batch, { oldHash, newHash });
        // The next statement may give two verifications one hash, under which one may be pending.
        this.queries.cancelOlderPending(batch, { client, oldHash, newHash });
        this.queries.rehashVerifications(batch, { client, oldHash, newHash });
        this.webhooks.addSupersededByRehash(batch, client, newHash);
      }
    });
  }

  /** Rehashes a verification's number: its row and that of `numbers` must have the same hash. */
  async rehashVerification(pinId: string, client: string): Promise<void> {
    if (!this.protection.hasOldSecrets) return;
    const getRow = await this.database.run((batch) => this.readSent(batch, pinId, client));
    const row = getRow();
    const fields = row && this.decrypt(row);
    if (!fields || 'outcome' in fields) return;
    await this.rehashNumber(this.database, fields.phoneNumber, client);
  }

  /** Stores which providers may have sent a message that they did not confirm. */
  addPossiblySentBy(batch: StatementBatch, pinId: string, names: readonly string[]): void {
    for (const provider of names) this.queries.addPossiblySentBy(batch, { pinId, provider });
  }

  encrypt(
    reservation: Pick<
      SendReservation,
      'pinId' | 'client' | 'phoneNumber' | 'eventReference' | 'resendOf' | 'requestedAt'
    >,
    providerPinId: string,
  ): string {
    const { pinId, client, phoneNumber, resendOf } = reservation;
    const eventReference = this.webhooks.isEnabled ? reservation.eventReference : undefined;
    const requestedAt = resendOf && reservation.requestedAt;
    const values = { phoneNumber, providerPinId, eventReference, requestedAt };
    const fields = toEncryptedFields(values);
    return this.protection.encrypt(fields, getFieldsContext(pinId, client));
  }

  decrypt(row: EncryptedVerificationRow): DecryptedFields | UnreadableDataError {
    const { pin_id, client } = row;
    const context = getFieldsContext(pin_id, client);
    const fields = this.protection.decrypt(row.sealed, context, isEncryptedFields, [pin_id]);
    if ('outcome' in fields) return fields;
    const { to, dialled = to, providerPinId, eventReference, requestedAt } = fields;
    const phoneNumber = PhoneNumber.fromE164(dialled);
    const numberHash = this.hashNumber(phoneNumber);
    // Verify by number selects by this column: with another hash, a code would verify that number.
    return row.number_hash === numberHash || this.isEarlierHash(row.number_hash, phoneNumber, to)
      ? { phoneNumber, numberHash, providerPinId, eventReference, requestedAt }
      : new UnreadableDataError('corrupted');
  }

  /** Whether a hash was made under an old secret, or by an earlier build of the number as given. */
  private isEarlierHash(hash: string, { identity }: PhoneNumber, given: string): boolean {
    return [identity, given].some((number) =>
      this.protection.getAllHashes('phone-number', number).includes(hash),
    );
  }
}
