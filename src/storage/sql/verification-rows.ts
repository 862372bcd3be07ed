import { Injectable } from '@nestjs/common';
import { PhoneNumber } from '../../common/phone-number.js';
import { DataProtection } from '../data-protection.js';
import type { NewVerification, VerificationSelector } from '../verification-store.js';
import { Database } from './database.js';
import type { VerificationRow } from './schema.js';
import { prepareQueries, type VerificationQueries } from './verification-queries.js';
import type { Executor, Packet } from './statement.js';

/** What only the provider has to hear, sealed in the row. */
interface Secrets {
  readonly to: string;
  readonly providerPinId: string;
}

/** What the moves share: their statements, and how a row hides what it is about. */
@Injectable()
export class VerificationRows {
  readonly queries: VerificationQueries;

  constructor(
    database: Database,
    private readonly vault: DataProtection,
  ) {
    this.queries = prepareQueries(database);
  }

  /** The row that a send begins with. */
  newRow(verification: NewVerification): VerificationRow {
    const { client, phoneNumber, destination, endUserAddress } = verification;
    return {
      pin_id: verification.pinId,
      client,
      number_hash: this.hashOf(phoneNumber),
      status: 'sending',
      channel: verification.channel,
      reference_hash: this.referenceHashes(verification.reference)[0],
      attempts: 0,
      max_attempts: verification.maxAttempts,
      sealed: '',
      created_at: verification.createdAt,
      expires_at: verification.expiresAt,
      verified_at: null,
      provider: '',
      country: destination.country,
      // After a change of secrets a prefix and an end user begin anew, as new ones do.
      prefix_hash: this.vault.hash('number-prefix', destination.prefix),
      end_user_hash:
        endUserAddress === undefined ? '' : this.vault.hash('end-user', endUserAddress),
      texts: verification.limited ? 1 : 0,
    };
  }

  /** @returns tells of a verification that the provider has taken: until then nobody has heard of it */
  taken(packet: Packet, pinId: string, client: string): () => VerificationRow | undefined {
    const answer = this.queries.read(packet, { pinId, client });
    return () => (answer.row && answer.row.sealed !== '' ? answer.row : undefined);
  }

  /** The handle that is meant; empty if there is none. */
  async pinIdOf(executor: Executor, which: VerificationSelector, client: string): Promise<string> {
    if ('pinId' in which) return which.pinId;
    const { phoneNumber } = which;
    await this.renewNumber(executor, phoneNumber, client);
    const numberHash = this.hashOf(phoneNumber);
    const { row } = await executor.run((packet) =>
      this.queries.newest(packet, { client, numberHash }),
    );
    return row?.pin_id ?? '';
  }

  /** The hash that is stored now, then those under secrets on their way out. */
  referenceHashes(reference: string | undefined): [string, ...string[]] {
    if (reference === undefined) return [''];
    return [
      this.vault.hash('reference', reference),
      ...this.vault.previousHashes('reference', reference),
    ];
  }

  /** What a number is looked up by: its hash under the current secret. */
  hashOf({ e164 }: PhoneNumber): string {
    return this.vault.hash('phone-number', e164);
  }

  /** Renames what was written about a number under a secret on its way out. */
  async renewNumber(executor: Executor, phoneNumber: PhoneNumber, client: string): Promise<void> {
    if (!this.vault.hasOldSecrets) return;
    const current = this.hashOf(phoneNumber);
    await executor.run((packet) => {
      for (const older of this.vault.previousHashes('phone-number', phoneNumber.e164)) {
        this.queries.renameNumber(packet, { older, current });
        this.queries.yieldPending(packet, { client, older, current });
        this.queries.renameVerifications(packet, { client, older, current });
      }
    });
  }

  /**
   * Renames what was written about a verification's number under a secret on its way out, so that
   * its row and its number's have the same hash.
   */
  async renew(executor: Executor, pinId: string, client: string): Promise<void> {
    if (!this.vault.hasOldSecrets) return;
    const taken = await executor.run((packet) => this.taken(packet, pinId, client));
    const row = taken();
    if (row) await this.renewNumber(executor, this.open(row).phoneNumber, client);
  }

  seal(pinId: string, { e164 }: PhoneNumber, providerPinId: string): string {
    const secrets: Secrets = { to: e164, providerPinId };
    return this.vault.encrypt(JSON.stringify(secrets), pinId);
  }

  open(row: VerificationRow): { phoneNumber: PhoneNumber; providerPinId: string } {
    const { to, providerPinId } = JSON.parse(this.vault.decrypt(row.sealed, row.pin_id)) as Secrets;
    return { phoneNumber: PhoneNumber.fromE164(to), providerPinId };
  }
}
